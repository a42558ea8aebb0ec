// The protocol's own conformance suite, against the fixtures behind our edge and against the product itself.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { after, before, suite, test } from "node:test";
import { fixtures, node22, start } from "./harness.mjs";

const require = createRequire(import.meta.url);
const suitePath = require.resolve("@modelcontextprotocol/conformance/package.json").replace("package.json", "dist/index.js");

// conformance runs the suite's command line; it never throws.
function conformance(...args) {
  return new Promise((resolve) => {
    execFile(node22, [suitePath, "server", ...args], { maxBuffer: 64 << 20, timeout: 120_000 }, (error, out, err) =>
      resolve({ code: error ? (error.code ?? 1) : 0, text: out + err }),
    );
  });
}

// alive asks for a health answer: against a dead server the suite still counts some checks as passed.
async function alive(url) {
  const answer = await fetch(new URL("/healthz", url));
  assert.equal(answer.status, 200, "the server under test does not answer");
}

// requirements runs a revision and returns the scenarios that it requires of a server, as [name, passed].
async function requirements(url, revision, ...args) {
  await alive(url);
  const run = await conformance("--url", url, "--requirements", revision, ...args);
  await alive(url);
  const list = readFileSync(suitePath.replace("dist/index.js", `requirements/${revision}.yaml`), "utf8");
  const [, server] = /^server:\n((?: +- \S+\n)+)/m.exec(list);
  const passed = new Map([...run.text.matchAll(/^([✓✗]) (\S+?): /gm)].map((m) => [m[2], m[1] === "✓"]));
  const required = [...server.matchAll(/- (\S+)/g)].map((m) => [m[1], passed.get(m[1]) ?? false]);
  return { ...run, required };
}

suite("conformance", () => {
  let fixture, product;
  before(async () => {
    fixture = await start([], /http:\S+\/mcp/, fixtures);
    product = await start(["http", "--demo", "--listen", "127.0.0.1:0"], /http:\S+\/mcp/);
  });
  after(async () => {
    await fixture?.stop();
    await product?.stop();
  });

  for (let run = 1; run <= 5; run++) {
    test(`2026-07-28: all 37 required scenarios pass, run ${run} of 5`, async () => {
      const { code, required, text } = await requirements(fixture.match[0], "2026-07-28");
      assert.deepEqual(required.filter(([, passed]) => !passed), [], text.slice(-4000));
      assert.equal(required.length, 37);
      assert.equal(code, 0, text.slice(-4000));
    });
  }

  test("2025-11-25: all required scenarios pass but sampling, which is deprecated", async () => {
    const { code, required, text } = await requirements(fixture.match[0], "2025-11-25", "--expected-failures",
      fileURLToPath(new URL("conformance-2025-11-25.yaml", import.meta.url)));
    assert.deepEqual(required.filter(([, passed]) => !passed), [["tools-call-sampling", false]], text.slice(-4000));
    assert.equal(required.length, 30);
    assert.equal(code, 0, text.slice(-4000));
  });

  // What needs no fixtures is asked of the product as it ships, but for the checks that need some.
  for (const [version, scenarios] of Object.entries({
    "2025-11-25": ["server-initialize", "server-session-lifecycle", "ping", "tools-list", "dns-rebinding-protection",
      "server-sse-multiple-streams"],
    "2026-07-28": ["tools-list", "dns-rebinding-protection", "sep-2164-resource-not-found", "http-header-validation",
      "server-sse-multiple-streams", "input-required-result-unsupported-methods", "server-stateless", "caching"],
  })) {
    for (const scenario of scenarios) {
      test(`the product passes ${scenario} of ${version}`, async () => {
        const url = product.match[0];
        await alive(url);
        const { code, text } = await conformance("--url", url, "--spec-version", version, "--scenario", scenario, "--expected-failures",
          fileURLToPath(new URL("conformance-product.yaml", import.meta.url)));
        await alive(url);
        assert.equal(code, 0, text.slice(-4000));
      });
    }
  }

  test("a dead server fails", async () => {
    await assert.rejects(requirements("http://127.0.0.1:9/mcp", "2026-07-28"));
    const { code } = await conformance("--url", "http://127.0.0.1:9/mcp", "--requirements", "2026-07-28");
    assert.notEqual(code, 0);
  });
});
