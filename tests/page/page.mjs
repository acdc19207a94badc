// The page in Chromium: a scan goes in, labels are shown, edited, compared and downloaded, by mouse and by keyboard.
//
//   npm install --ignore-scripts && node page.mjs ../../target/debug/examples/toy_server FOLDER_FOR_PICTURES
//
// Console errors, refusals of the content security policy, requests to other hosts and serious findings of axe fail it.
// Without Chromium it says that it was skipped.
import assert from "node:assert";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import zlib from "node:zlib";
import { spawn } from "node:child_process";
import { createRequire } from "node:module";

const require = createRequire(path.join(process.env.PAGE_TEST_MODULES || process.cwd(), "x.js"));
const chrome = process.env.CHROMIUM || "/usr/bin/chromium";
if (!fs.existsSync(chrome)) {
  console.log(`skipped: there is no ${chrome}; install chromium, or name it in CHROMIUM`);
  process.exit(0);
}
const { chromium } = require("playwright-core");
const [program, pictures = os.tmpdir()] = process.argv.slice(2);
const folder = fs.mkdtempSync(path.join(os.tmpdir(), "vesalius-page-"));

// A sphere with a bright core, as NIfTI of 16-bit numbers.
function scan(size, file) {
  const [nx, ny, nz] = size, head = Buffer.alloc(352), data = new Int16Array(nx * ny * nz);
  head.writeInt32LE(348, 0);
  [3, nx, ny, nz, 1, 1, 1, 1].forEach((n, i) => head.writeInt16LE(n, 40 + 2 * i));
  head.writeInt16LE(4, 70);
  head.writeInt16LE(16, 72);
  [1, 1, 1, 1.5].forEach((n, i) => head.writeFloatLE(n, 76 + 4 * i));
  head.writeFloatLE(352, 108);
  head.writeFloatLE(1, 112);
  head.writeInt16LE(1, 254);
  // Left is first, so that the axes of the file are not those of the page.
  [[-1, 0, 0, nx / 2], [0, 1, 0, -ny / 2], [0, 0, 1.5, -nz * 0.75]].forEach((row, r) => row.forEach((n, c) => head.writeFloatLE(n, 280 + 16 * r + 4 * c)));
  head.write("n+1\0", 344, "latin1");
  for (let z = 0, i = 0; z < nz; z++) for (let y = 0; y < ny; y++) for (let x = 0; x < nx; x++, i++) {
    const r = Math.hypot((x / nx - 0.45) * 2, (y / ny - 0.55) * 2, (z / nz - 0.5) * 2);
    data[i] = (r < 0.3 ? 900 : r < 0.65 ? 500 : 60) + ((x * 7 + y * 13 + z * 5) % 40);
  }
  fs.writeFileSync(file, zlib.gzipSync(Buffer.concat([head, Buffer.from(data.buffer)]), { level: 1 }));
  return file;
}

const server = spawn(program, [path.join(folder, "spool"), "0", "120"]);
const address = await new Promise((resolve, reject) => {
  server.stdout.on("data", (text) => resolve(String(text).trim()));
  server.on("exit", (code) => reject(new Error(`the server ended with ${code}`)));
});
const host = new URL(address).host;
const browser = await chromium.launch({
  executablePath: chrome, headless: true,
  args: ["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist"],
});
const problems = [];

async function open(options = {}) {
  const page = await browser.newPage({ viewport: { width: 1380, height: 860 }, ...options });
  page.setDefaultTimeout(60000);
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && !/GL Driver Message|GPU stall/.test(message.text()) && problems.push(`${message.type()}: ${message.text()}`));
  page.on("pageerror", (error) => problems.push(error.stack || error.message));
  page.on("dialog", (dialog) => dialog.accept());
  page.on("request", (request) => { const url = new URL(request.url()); if (url.protocol.startsWith("http") && url.host !== host) problems.push(`a request to ${url.host}`); });
  return page;
}

async function checkAccess(page, what) {
  // Through the protocol of the browser, so that the page's policy stays as it is.
  await page.evaluate(fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf8") + ";undefined").catch(() => {});
  const found = await page.evaluate(async () => (await axe.run(document, { resultTypes: ["violations"] })).violations
    .filter((one) => ["serious", "critical"].includes(one.impact))
    .map((one) => `${one.id}: ${one.help}: ${one.nodes.map((node) => node.target.join(" ")).join("; ")}`));
  assert.deepEqual(found, [], `axe, ${what}`);
}

const shot = (page, name) => page.screenshot({ path: path.join(pictures, `${name}.png`) });
const drawn = (page) => page.evaluate(() => Viewer.niivue().drawBitmap.reduce((n, v) => n + (v > 0 ? 1 : 0), 0));
const text = (page, selector) => page.locator(selector).innerText();

async function send(page, file, model) {
  await page.setInputFiles("#file", file);
  await page.selectOption("#model", model);
  await page.click("#send");
}
const shown = (page, version) => page.waitForFunction((n) => document.getElementById("status").textContent.includes(`version ${n} is shown`), version);

async function flow(page) {
  await page.goto(address);
  await page.waitForFunction(() => window.ready === true);
  assert.ok(!page.url().includes("token"), "the token left the address");
  await checkAccess(page, "begin");
  await shot(page, "begin");

  await send(page, scan([64, 56, 40], path.join(folder, "head.nii.gz")), "threshold");
  await page.waitForFunction(() => /windows \d+ of 10/.test(document.getElementById("running-text").textContent));
  await shot(page, "running");
  await checkAccess(page, "running");
  await shown(page, 1);
  await page.waitForTimeout(300);
  await shot(page, "result");
  await checkAccess(page, "result");
  assert.equal(await page.locator("#labels tr").count(), 2);
  const pixels = await page.evaluate(() => {
    const nv = Viewer.niivue();
    nv.drawScene();
    const gl = nv.gl, data = new Uint8Array(gl.drawingBufferWidth * gl.drawingBufferHeight * 4);
    gl.readPixels(0, 0, gl.drawingBufferWidth, gl.drawingBufferHeight, gl.RGBA, gl.UNSIGNED_BYTE, data);
    let grey = 0, coloured = 0;
    for (let i = 0; i < data.length; i += 4) {
      const spread = Math.max(data[i], data[i + 1], data[i + 2]) - Math.min(data[i], data[i + 1], data[i + 2]);
      if (spread > 40) coloured++; else if (data[i] > 20) grey++;
    }
    return { grey, coloured };
  });
  assert.ok(pixels.grey > 5000 && pixels.coloured > 5000, JSON.stringify(pixels));

  // Search, hide, views.
  await page.fill("#search", "brightest");
  assert.equal(await page.locator("#labels tr").count(), 1);
  await page.fill("#search", "");
  await page.click("#hide-all");
  await page.click("#show-all");
  await page.click('[data-view="0"]');
  await page.waitForTimeout(200);
  await shot(page, "axial");
}

async function edit(page) {
  await page.click("#edit");
  await page.waitForFunction(() => Edit.active());
  const before = await drawn(page);
  const box = await page.locator("#canvas").boundingBox();
  const at = (x, y) => [box.x + box.width * x, box.y + box.height * y];
  const stroke = async (y) => {
    await page.mouse.move(...at(0.4, y));
    await page.mouse.down();
    for (let i = 1; i <= 8; i++) await page.mouse.move(...at(0.4 + 0.02 * i, y));
    await page.mouse.up();
    await page.waitForTimeout(200);
  };
  await stroke(0.12);
  const painted = await drawn(page);
  assert.ok(painted > before, `${painted} after ${before}`);
  await shot(page, "edit");
  await checkAccess(page, "edit");
  await page.click("#undo");
  assert.equal(await drawn(page), before, "undo");
  await page.click("#redo");
  assert.equal(await drawn(page), painted, "redo");
  // The dark edge lies outside of the range, so the threshold brush leaves it.
  await page.click('[data-tool="threshold"]');
  await stroke(0.08);
  assert.equal(await drawn(page), painted, "the threshold brush");
  await page.click('[data-tool="erase"]');
  await stroke(0.5);
  assert.ok((await drawn(page)) < painted, "erase");
  await page.click('[data-tool="fill"]');
  const outline = await drawn(page);
  await page.mouse.move(...at(0.42, 0.8));
  await page.mouse.down();
  for (const [x, y] of [[0.46, 0.8], [0.5, 0.82], [0.5, 0.9], [0.46, 0.92], [0.42, 0.9], [0.42, 0.8]]) await page.mouse.move(...at(x, y), { steps: 4 });
  await page.mouse.up();
  await page.waitForTimeout(300);
  assert.ok((await drawn(page)) > outline, "fill");
  // The keyboard alone.
  await page.focus("#canvas");
  const keyed = await drawn(page);
  for (const key of ["b", "]", "ArrowLeft", "ArrowUp", "PageUp"]) await page.keyboard.press(key);
  for (let i = 0; i < 30; i++) await page.keyboard.press("ArrowRight");
  await page.keyboard.press(" ");
  assert.ok((await drawn(page)) > keyed, "painted by the keyboard");
  await page.keyboard.press("Control+z");
  assert.equal(await drawn(page), keyed);
  await page.keyboard.press("Control+y");
  const saved = await drawn(page);
  await page.keyboard.press("Control+s");
  await shown(page, 2);
  const job = await page.evaluate(async () => (await Api.json("/jobs")).jobs[0]);
  assert.equal(job.versions.length, 2);
  const voxels = job.versions[1].volumes.reduce((sum, volume) => sum + volume.voxels, 0);
  assert.equal(voxels, saved, "the server counts what was drawn");
  await page.selectOption("#version", "1");
  await shown(page, 1);
}

async function compare(page) {
  await page.click('[data-view="3"]');
  await page.selectOption("#other", { index: 0 });
  await page.click("#compare");
  await page.waitForFunction(() => document.getElementById("compared").textContent.includes("Dice"));
  assert.equal(await page.locator("#labels tr").count(), 4);
  await page.waitForTimeout(200);
  await shot(page, "compare");
  await checkAccess(page, "compare");
  await page.click("#compare-end");
  await page.waitForFunction(() => document.querySelectorAll("#labels tr").length === 2);
  for (const [name, start] of [["Labels (NIfTI)", "1f8b"], ["Picture (PNG)", "89504e47"]]) {
    const [download] = await Promise.all([page.waitForEvent("download"), page.click(`#downloads button:text-is("${name}")`)]);
    const bytes = fs.readFileSync(await download.path());
    assert.ok(bytes.toString("hex").startsWith(start), name);
  }
}

async function refusals(page) {
  const wrong = path.join(folder, "text.nrrd");
  fs.writeFileSync(wrong, "NRRD0004\nthis is no image\n");
  await send(page, wrong, "threshold");
  await page.waitForFunction(() => document.getElementById("problem").textContent.includes("failed"));
  await shot(page, "failed");
  await checkAccess(page, "failed");
  fs.writeFileSync(wrong, "not an image at all");
  const expected = problems.length;
  await send(page, wrong, "threshold");
  await page.waitForFunction(() => document.getElementById("problem").textContent.includes("no format"));
  // The browser itself notes the answer 415 as an error.
  assert.ok(problems.splice(expected).every((one) => one.includes("415")), problems.join("\n"));
}

async function light() {
  const page = await open({ colorScheme: "light", viewport: { width: 1100, height: 760 } });
  await page.goto(address);
  await page.waitForFunction(() => window.ready === true);
  const began = Date.now();
  await send(page, scan([256, 256, 160], path.join(folder, "large.nii.gz")), "high-threshold");
  await page.waitForFunction(() => document.getElementById("status").textContent.includes("is loaded"));
  const loading = Date.now();
  await shown(page, 1);
  console.log(`256 × 256 × 160: ${Date.now() - loading} ms from done to drawn, ${Date.now() - began} ms in all`);
  await page.waitForTimeout(500);
  await shot(page, "light");
  await checkAccess(page, "light");
  await page.click("#delete");
  await page.waitForFunction(() => document.getElementById("status").textContent.includes("deleted"));
  await page.close();
  const empty = await open();
  await empty.goto(address.split("#")[0]);
  await empty.waitForSelector("#token-form");
  await checkAccess(empty, "token");
  await shot(empty, "token");
  await empty.close();
}

let failed = false;
try {
  const page = await open({ colorScheme: "dark" });
  for (const part of [flow, edit, compare, refusals]) {
    await part(page).catch(async (error) => { await shot(page, "error"); console.log(await text(page, "#problem")); throw error; });
    console.log(`${part.name}: ok`);
  }
  await light();
  assert.deepEqual(problems, []);
  console.log("ok");
} catch (error) {
  failed = true;
  console.log(error.message, error.stack, problems.join("\n"));
} finally {
  await browser.close();
  server.kill();
  fs.rmSync(folder, { recursive: true, force: true });
}
process.exit(failed ? 1 : 0);
