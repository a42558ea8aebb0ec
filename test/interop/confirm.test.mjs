// Clients that others wrote delete a record: those that can ask their user do, whatever their model writes; the others pass on
// what they are given.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import * as v2 from "@modelcontextprotocol/client";
import { StdioClientTransport as Stdio2 } from "@modelcontextprotocol/client/stdio";
import { Client as Client1 } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport as Stdio1 } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport as HTTP1 } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { ElicitRequestSchema } from "@modelcontextprotocol/sdk/types.js";
import { binary, start } from "./harness.mjs";

const self = { name: "interop", version: "1.0.0" };
const stdio = { command: binary, args: ["stdio", "--demo"], stderr: "ignore" };
let server;
const url = () => new URL(server.match[0]);

const clients = [
  { title: "TypeScript client 1.32.2", make: (o) => new Client1(self, o), asked: ElicitRequestSchema, roads: { stdio: () => new Stdio1(stdio), http: () => new HTTP1(url()) } },
  ...["legacy", "auto"].map((mode) => ({
    title: `TypeScript client 2.4.0, ${mode}`,
    make: (o) => new v2.Client(self, { ...o, versionNegotiation: { mode } }),
    asked: "elicitation/create",
    roads: { stdio: () => new Stdio2(stdio), http: () => new v2.StreamableHTTPClientTransport(url()) },
  })),
];

// What a user may do, and what becomes of the call. Only the last deletes.
const answers = [
  [{ action: "decline" }, "declined"],
  [{ action: "cancel" }, "declined"],
  [{ action: "accept", content: { agree: false } }, "declined"],
  [{ action: "accept", content: { agree: true } }, "done"],
];

before(async () => {
  server = await start(["http", "--demo", "--listen", "127.0.0.1:0"], /http:\/\/[^"\s]*\/mcp/);
});
after(() => server.stop());

for (const { title, make, asked, roads } of clients) {
  for (const [transport, road] of Object.entries(roads)) {
    describe(`${title}, ${transport}`, () => {
      test("its user decides, and its model does not", async () => {
        const client = make({ capabilities: { elicitation: {} } });
        const questions = [];
        client.setRequestHandler(asked, async ({ params }) => {
          questions.push(params.message);
          return answers[questions.length - 1][0];
        });
        await client.connect(road());
        const id = await account(client);
        for (const [answer, status] of answers) {
          const got = await call(client, "delete_record", { table: "account", id, confirmation: "the model agrees" });
          assert.equal(got.status, status, JSON.stringify(answer));
        }
        assert.equal(questions.length, answers.length);
        assert.match(questions[0], /^Delete Account "Interop Ltd"/);
        await client.close();
      });

      test("without a user to ask, a confirmation is passed on", async () => {
        const client = make({ capabilities: {} });
        await client.connect(road());
        const id = await account(client);
        const first = await call(client, "delete_record", { table: "account", id });
        assert.equal(first.status, "confirmation_required");
        const { confirmation } = first;
        assert.equal((await call(client, "delete_record", { table: "account", id: await account(client), confirmation })).status, "confirmation_required");
        assert.equal((await call(client, "delete_record", { table: "account", id, confirmation })).status, "done");
        await client.close();
      });
    });
  }
}

// call checks what came back against the output schema, as the clients do once they have listed the tools.
async function call(client, name, args) {
  const result = await client.callTool({ name, arguments: args });
  assert.ok(!result.isError, JSON.stringify(result));
  return result.structuredContent;
}

async function account(client) {
  await client.listTools();
  return (await call(client, "create_record", { table: "account", values: { name: "Interop Ltd" } })).id;
}
