// Runs every suite here; exits 1 when a test fails or is skipped, or a file has none that ran.
import { readdirSync } from "node:fs";
import { run } from "node:test";
import { spec } from "node:test/reporters";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL(".", import.meta.url));
const files = readdirSync(folder).filter((f) => f.endsWith(".test.mjs")).map((f) => folder + f);
const passed = new Map(files.map((f) => [f, 0]));
const failed = [];
const stream = run({ files, concurrency: 1 });
stream.on("test:pass", (e) => {
  if (e.skip !== undefined || e.todo !== undefined) failed.push(`${e.name}: skipped`);
  else if (e.details.type !== "suite" && e.name !== e.file) passed.set(e.file, passed.get(e.file) + 1); // a file is reported as a test, too
});
stream.on("test:fail", (e) => failed.push(e.name));
stream.on("end", () => {
  for (const [file, tests] of passed) if (tests === 0) failed.push(`${file}: no test passed`);
  for (const what of failed) console.log(`failed: ${what}`);
  console.log(`${[...passed.values()].reduce((a, b) => a + b, 0)} passed, ${failed.length} failed`);
  process.exitCode = failed.length > 0 || files.length === 0 ? 1 : 0;
});
stream.compose(new spec()).pipe(process.stdout);
