-- The Terms and the Policy of the Service that a session's pages name; empty for sessions from before.
ALTER TABLE checkout_session ADD COLUMN documents_version TEXT NOT NULL DEFAULT '';
ALTER TABLE checkout_session ADD COLUMN documents_url TEXT NOT NULL DEFAULT '';
