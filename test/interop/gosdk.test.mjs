// The Go client of the protocol's own project: see gosdk/.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { test } from "node:test";
import { fixtures } from "./harness.mjs";

test("go-sdk v1.8.0 works over both transports", async () => {
  const { code, text } = await new Promise((resolve) =>
    execFile("go", ["test", "-count=1", "./..."], { cwd: fileURLToPath(new URL("gosdk", import.meta.url)),
      env: { ...process.env, CONFORMANCE_FIXTURES: fixtures }, timeout: 300_000 },
      (error, out, err) => resolve({ code: error ? (error.code ?? 1) : 0, text: out + err })));
  assert.equal(code, 0, text.slice(-4000));
});
