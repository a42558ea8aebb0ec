// MCP Inspector lists and calls the tools, over both transports and in both protocol eras.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { binary, inspect, start } from "./harness.mjs";

const tools = [
  "count_records", "create_record", "delete_record", "describe_table", "get_current_user",
  "get_record", "list_tables", "query_records", "update_record", "upsert_record",
];

let http;
before(async () => {
  const { match, stop } = await start(["http", "--demo", "--listen", "127.0.0.1:0"], /http:\/\/127\.0\.0\.1:\d+\/mcp/);
  http = { url: match[0], stop };
});
after(() => http?.stop());

const targets = {
  stdio: () => [binary, "stdio", "--demo"],
  http: () => [http.url],
};

async function call(target, era, name, args) {
  const result = await inspect(...target, "--protocol-era", era, "--method", "tools/call", "--tool-name", name,
    "--tool-args-json", JSON.stringify(args), "--format", "json");
  const text = result.out || result.err;
  try {
    return { code: result.code, ...JSON.parse(text) };
  } catch {
    throw new Error(`${name}: exit ${result.code}, not JSON:\n${result.out}\n${result.err}`);
  }
}

const structured = (answer) => (answer.result ?? answer).structuredContent;

for (const [transport, target] of Object.entries(targets)) {
  for (const era of ["legacy", "modern"]) {
    describe(`${transport}, ${era}`, () => {
      test("the ten tools are listed and pass the strict schema check", async () => {
        const { code, out, err } = await inspect(...target(), "--protocol-era", era, "--method", "tools/list", "--strict", "--format", "json");
        assert.equal(code, 0, err);
        const listed = JSON.parse(out);
        assert.deepEqual((listed.result ?? listed).tools.map((t) => t.name).sort(), tools);
      });

      test("a query answers with rows", async () => {
        const answer = structured(await call(target(), era, "query_records",
          { table: "account", select: ["name", "statecode"], filter: "statecode eq 0", top: 3 }));
        assert.equal(answer.rows.length, 3, JSON.stringify(answer));
        assert.deepEqual(answer.columns, ["name", "statecode"]);
      });

      test("a wrong table is a tool error that names the nearest", async () => {
        const answer = await call(target(), era, "query_records", { table: "acount" });
        assert.equal(answer.code, 5, JSON.stringify(answer));
        assert.match(JSON.stringify(answer), /account/);
      });
    });
  }
}

test("a record is created, read, changed and deleted over HTTP", async () => {
  const target = [http.url];
  const created = structured(await call(target, "modern", "create_record", { table: "account", values: { name: "Inspector Ltd" } }));
  assert.match(created.id, /^[0-9a-f-]{36}$/);
  await call(target, "modern", "update_record", { table: "account", id: created.id, values: { telephone1: "555-0100" } });
  const read = structured(await call(target, "modern", "get_record", { table: "account", id: created.id, select: ["name", "telephone1"] }));
  assert.equal(read.values.telephone1, "555-0100");
  // The Inspector's command line cannot ask its user, so it is answered with a question and passes on what it is given.
  const asked = structured(await call(target, "modern", "delete_record", { table: "account", id: created.id }));
  assert.equal(asked.status, "confirmation_required");
  assert.match(asked.question, /^Delete Account "Inspector Ltd"/);
  const deleted = structured(await call(target, "modern", "delete_record", { table: "account", id: created.id, confirmation: asked.confirmation }));
  assert.equal(deleted.status, "done");
  const gone = await call(target, "modern", "get_record", { table: "account", id: created.id });
  assert.equal(gone.code, 5);
});
