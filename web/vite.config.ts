/// <reference types="vitest/config" />
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";
import { mock } from "./mock/plugin.ts";

/** Where the real Service listens; the dev server forwards to it unless MOCK=1. */
const service = process.env.ENSOEX_SERVICE ?? "http://localhost:8080";
const mocked = process.env.MOCK === "1";
const forwarded = ["/api/", "/v1/", "/health", "/dev/", "/stream", "/ws"];
const proxy = mocked
  ? undefined
  : {
      ...Object.fromEntries(
        // The Service takes writes from its own origin only: here the dev server speaks for it.
        forwarded.map((path) => [path, { target: service, ws: true, headers: { Origin: service } }]),
      ),
    };

export default defineConfig({
  plugins: [react(), ...(mocked ? [mock()] : [])],
  server: { port: 5173, host: "127.0.0.1", proxy },
  preview: { port: 4173, host: "127.0.0.1", proxy },
  build: {
    outDir: "dist",
    assetsDir: "assets",
    // The policy of the server allows no data: scripts or styles; keep everything a file.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    sourcemap: false,
  },
  test: { include: ["src/**/*.test.ts"], environment: "node" },
});
