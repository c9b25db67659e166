// What others wrote stays text, the policy holds, and a large batch is as quick as a small one.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { eventually, launch, open, screenshot, signIn } from "./browser.mjs";
import { csv, row, serve } from "./server.mjs";

let server;
let browser;
before(async () => {
  server = await serve();
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

/** From a file to a batch that is not started. */
async function make(page, file, name, rows) {
  await page.goto("/upload");
  await page.locator("#file").setInputFiles({ name: file, ...csv(rows) });
  await page.locator("main form button").click();
  await page.waitForURL(/\/upload\/\w+$/);
  await page.locator("#name").fill(name);
  await page.locator("#expect_rows").fill(String(rows.length));
  await page.locator("#expect_USD").fill(String(rows.length));
  await page.locator("form[aria-labelledby=make] button").click();
  await page.waitForURL(/done=created/);
}

test("what stands in a file is text, whatever it looks like", async () => {
  const window = await open(browser, server);
  const { page } = window;
  await signIn(page);
  const nasty = "<img src=x onerror=\"document.title='owned'\">";
  const rows = [row(`"${nasty.replaceAll('"', '""')}"`, "1234560411", "1", "USD", ["<b>Dara</b>", "{{ 7*7 }}"])];
  await make(page, "<script>document.title='owned'</script>.csv", "nasty", rows);
  for (const path of ["", "/rows", "/problems", "/held"]) {
    await page.goto(`/batches/nasty${path}`);
    assert.equal(await page.locator("main img, main b:has-text('Dara')").count(), 0, path);
    assert.doesNotMatch(await page.title(), /owned/);
  }
  await page.goto("/batches/nasty/rows");
  const words = await page.locator("main").innerText();
  assert.ok(words.includes(nasty) && words.includes("<b>Dara</b> {{ 7*7 }}"), words);
  await page.goto(`/batches/nasty/rows?reference=${encodeURIComponent('"><script>1</script>')}`);
  assert.match(await page.locator("main").innerText(), /No row has the reference/);
  await page.goto("/?done=%3Cscript%3E");
  assert.equal(await page.locator(".note.good").count(), 0, "an address chooses words and brings none");
  await window.close();
});

test("no script but ours runs, and the policy says so", async () => {
  const window = await open(browser, server);
  const { page } = window;
  await signIn(page);
  const answer = await page.goto("/");
  const policy = answer.headers()["content-security-policy"];
  for (const rule of ["default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'", "form-action 'self'"]) {
    assert.ok(policy.includes(rule), policy);
  }
  assert.doesNotMatch(policy, /unsafe/);
  const html = await answer.text();
  assert.doesNotMatch(html, /<script(?![^>]*\ssrc=)|\sstyle=|\son\w+=|javascript:/i);
  await page.evaluate(() => {
    globalThis.ran = 0;
    const script = document.createElement("script");
    script.textContent = "globalThis.ran += 1";
    document.body.append(script);
    const image = document.createElement("div");
    image.innerHTML = "<img src=data:, onerror='globalThis.ran += 1'>";
    document.body.append(image);
  });
  await eventually("the browser refused both", () =>
    window.complaints.filter((it) => /Content Security Policy/.test(it)).length >= 2);
  assert.equal(await page.evaluate(() => globalThis.ran), 0);
  window.complaints.length = 0;
  await window.close();
});

test("100,000 rows are paged by the server", async () => {
  const window = await open(browser, server);
  const { page } = window;
  await signIn(page);
  const rows = Array.from({ length: 100_000 }, (_, at) => row(`L-${at + 1}`, String(1_000_000_000 + at), "1"));
  await make(page, "large.csv", "large", rows);
  const seen = [];
  const size = async (path) => {
    const answer = await page.goto(`/batches/large${path}`);
    const { length } = await answer.body();
    assert.ok(length < 256 * 1024, `${path}: ${length} bytes`);
    seen.push(length);
    return page.locator("table.rows tbody tr").count();
  };
  await size("");
  assert.equal(await size("/rows"), 100);
  assert.equal(await page.locator("table.rows tbody tr th").first().innerText(), "L-1");
  await screenshot(page, "rows-large");
  await page.locator("nav.pages a[rel=next]").click();
  assert.equal(await page.locator("table.rows tbody tr th").first().innerText(), "L-101");
  await page.locator("nav.pages a[rel=prev]").click();
  assert.equal(await page.locator("table.rows tbody tr th").first().innerText(), "L-1");
  await page.locator("#row").fill("99951");
  await page.locator("form.filters button").click();
  assert.equal(await page.locator("table.rows tbody tr").count(), 50);
  assert.equal(await page.locator("nav.pages a[rel=next]").count(), 0);
  assert.equal(await size("/rows?reference=L-77777"), 1);
  assert.equal(await size("/rows?outcome=pending&after=50000"), 100);
  assert.equal(await size("/rows?outcome=paid"), 0);
  for (const path of ["/otp", "/held", "/problems"]) await size(path);
  await window.close();
});
