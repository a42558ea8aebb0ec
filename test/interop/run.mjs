// Runs every suite here; exits 1 when a test fails or none ran.
import { readdirSync } from "node:fs";
import { run } from "node:test";
import { spec } from "node:test/reporters";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL(".", import.meta.url));
const files = readdirSync(folder).filter((f) => f.endsWith(".test.mjs")).map((f) => folder + f);
let passed = 0;
let failed = 0;
const stream = run({ files, concurrency: 1 });
stream.on("test:pass", (e) => (passed += e.details.type === "suite" ? 0 : 1));
stream.on("test:fail", (e) => (failed += e.details.type === "suite" ? 0 : 1));
stream.on("end", () => {
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
});
stream.compose(new spec()).pipe(process.stdout);
