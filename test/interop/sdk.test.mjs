// The TypeScript clients of both generations, over both transports and in both eras, against the fixtures behind our edge.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import * as v2 from "@modelcontextprotocol/client";
import { StdioClientTransport as Stdio2 } from "@modelcontextprotocol/client/stdio";
import { Client as Client1 } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport as Stdio1 } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport as HTTP1 } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import * as types1 from "@modelcontextprotocol/sdk/types.js";
import { fixtures, relay, start } from "./harness.mjs";

const name = { name: "interop", version: "1.0.0" };
const capabilities = { elicitation: {} };
const watched = "test://watched-resource";

// The clients under one face: call, on (a notification), answer (elicitations), watch (changes).
function second(mode) {
  return {
    title: `TypeScript client 2.4.0, ${mode}`,
    listens: mode !== "legacy",
    connect: async (transport, url = http()) => {
      const client = new v2.Client(name, { capabilities, versionNegotiation: { mode } });
      client.setRequestHandler("elicitation/create", async () => ({ action: "accept", content: { username: "ada", email: "ada@example.com" } }));
      const road = transport === "http" ? new v2.StreamableHTTPClientTransport(new URL(url)) : new Stdio2(stdio);
      await client.connect(road);
      return {
        client,
        wire: recorded(road),
        call: (tool, options) => client.callTool({ name: tool, arguments: tool === "test_elicitation" ? { message: "Who?" } : {} }, options),
        on: (method, handler) => client.setNotificationHandler(method, handler),
        watch: () => mode === "legacy" ? client.subscribeResource({ uri: watched }) : client.listen({ resourceSubscriptions: [watched], toolsListChanged: true }),
      };
    },
  };
}

const first = {
  title: "TypeScript client 1.32.2",
  connect: async (transport, url = http()) => {
    const client = new Client1(name, { capabilities });
    client.setRequestHandler(types1.ElicitRequestSchema, async () => ({ action: "accept", content: { username: "ada", email: "ada@example.com" } }));
    const road = transport === "http" ? new HTTP1(new URL(url)) : new Stdio1(stdio);
    await client.connect(road);
    const schemas = {
      "notifications/resources/updated": types1.ResourceUpdatedNotificationSchema,
      "notifications/tools/list_changed": types1.ToolListChangedNotificationSchema,
    };
    return {
      client,
      wire: recorded(road),
      call: (tool, options) => client.callTool({ name: tool, arguments: tool === "test_elicitation" ? { message: "Who?" } : {} }, undefined, options),
      on: (method, handler) => client.setNotificationHandler(schemas[method], handler),
      watch: () => client.subscribeResource({ uri: watched }),
    };
  },
};

let server;
const http = () => server.match[0];
const stdio = { command: fixtures, args: ["stdio"], stderr: "ignore" };

// recorded notes every message in the order in which it came: the clients hand on what stands in one chunk with the result
// out of order.
function recorded(road) {
  const messages = [];
  const handle = road.onmessage;
  road.onmessage = (message, extra) => {
    messages.push(message);
    return handle(message, extra);
  };
  return messages;
}

// until waits for a fact, for five seconds at the most.
async function until(fact, what) {
  for (let i = 0; i < 100; i++) {
    if (await fact()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.fail(`${what}: not within five seconds`);
}

const said = (result) => result.content.map((c) => c.text).join("\n");

before(async () => (server = await start([], /http:\S+\/mcp/, fixtures)));
after(() => server?.stop());

for (const make of [first, second("legacy"), second("auto")]) {
  for (const transport of ["http", "stdio"]) {
    describe(`${make.title} over ${transport}`, () => {
      let it;
      before(async () => (it = await make.connect(transport)));
      after(() => it?.client.close());

      test("lists tools, resources, templates and prompts", async () => {
        const { tools } = await it.client.listTools();
        assert.ok(tools.some((t) => t.name === "test_simple_text") && tools.some((t) => t.name === "list_tables"));
        assert.deepEqual(tools.map((t) => t.name), (await it.client.listTools()).tools.map((t) => t.name));
        assert.ok((await it.client.listResources()).resources.some((r) => r.uri === watched));
        assert.ok((await it.client.listResourceTemplates()).resourceTemplates.length > 0);
        assert.ok((await it.client.listPrompts()).prompts.length >= 5);
      });

      test("calls a tool and reads a resource", async () => {
        assert.match(said(await it.call("test_simple_text")), /simple text/);
        assert.match((await it.client.readResource({ uri: "test://static-text" })).contents[0].text, /static text/);
        await assert.rejects(it.client.readResource({ uri: "test://nothing" }), /-32602|-32002|not found/i);
      });

      test("gets all progress before the result, in 200 calls", async () => {
        it.wire.length = 0;
        for (let round = 0; round < 10; round++) {
          await Promise.all(Array.from({ length: 20 }, () => it.call("test_tool_with_progress", { onprogress: () => {} })));
        }
        const seen = new Map();
        const lost = [];
        for (const message of it.wire) {
          if (message.method === "notifications/progress") {
            const { progressToken, progress } = message.params;
            seen.set(progressToken, [...(seen.get(progressToken) ?? []), progress]);
          } else if (message.result && seen.get(message.id)?.join() !== "0,50,100") {
            lost.push(message.id); // the clients' tokens are the ids of their requests
          }
        }
        assert.deepEqual(lost, []);
        assert.equal(seen.size, 200);
      });

      test("asks the user", async () => {
        assert.match(said(await it.call("test_elicitation")), /accept.*ada@example\.com/);
      });

      test("cancels a call, which ends in the server", async () => {
        const cancelled = async () => Number(said(await it.call("test_cancelled_calls")));
        const before = await cancelled();
        const giveUp = new AbortController();
        const call = it.call("test_slow", { signal: giveUp.signal });
        setTimeout(() => giveUp.abort("enough"), 300);
        await assert.rejects(call);
        await until(async () => (await cancelled()) > before, "the server cancels");
        assert.match(said(await it.call("test_simple_text")), /simple text/); // the session goes on
      });

      test("hears of changes it asked for", async () => {
        const heard = [];
        it.on("notifications/resources/updated", (n) => void heard.push(n.params.uri));
        it.on("notifications/tools/list_changed", () => void heard.push("tools"));
        await it.watch();
        await it.call("test_touch_resource");
        await it.call("test_trigger_tool_change");
        await until(() => heard.includes(watched) && heard.includes("tools"), "notifications of changes");
      });

      if (transport === "http") {
        test("hears of changes again after its connections broke", async () => {
          const road = await relay(http());
          const other = await make.connect(transport, road.url);
          const heard = [];
          other.on("notifications/resources/updated", (n) => void heard.push(n.params.uri));
          await other.watch();
          const told = async () => {
            await it.call("test_touch_resource");
            return heard.length > 0;
          };
          await until(told, "a notification before");
          road.cut();
          heard.length = 0;
          await until(() => other.call("test_simple_text").then(said, () => ""), "an answer afterwards"); // the first may find the old connection
          if (make.listens) await other.watch(); // a stream of 2026-07-28 is not resumed: whoever wants another asks for it
          await until(told, "a notification afterwards");
          await other.client.close();
          road.close();
        });
      }

      test("connects anew", async () => {
        const other = await make.connect(transport);
        assert.match(said(await other.call("test_simple_text")), /simple text/);
        await other.client.close();
        assert.match(said(await it.call("test_simple_text")), /simple text/);
      });
    });
  }
}
