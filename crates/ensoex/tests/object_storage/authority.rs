//! An authority of the tests' own, and a server's certificate from it.

use std::path::Path;
use std::process::{Command, Stdio};

pub(crate) fn openssl(folder: &Path, line: &str) -> Command {
    let mut command = Command::new("openssl");
    command
        .current_dir(folder)
        .args(line.split(' '))
        .stderr(Stdio::null());
    command
}

/// An authority of our own (`ca.pem`) and a server's certificate from it (`server.pem`, `server.key`).
pub(crate) fn certify(folder: &Path) {
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    let names = "subjectAltName=IP:127.0.0.1\nbasicConstraints=critical,CA:FALSE\n";
    std::fs::write(folder.join("names"), names).unwrap();
    for line in [
        format!("req -x509 {key} -keyout ca.key -out ca.pem -subj /CN=authority -days 2"),
        format!("req {key} -keyout server.key -out server.csr -subj /CN=server"),
        "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -out server.pem -extfile names"
            .to_owned(),
    ] {
        assert!(openssl(folder, &line).status().unwrap().success(), "openssl {line}");
    }
}
