// Every page in both languages, both colour schemes, on a screen and on a phone: accessible, nothing
// cut off. The pictures lie in target/page-screenshots.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { DESKTOP, PHONE, assertAccessible, assertFits, eventually, launch, open, screenshot, signIn } from "./browser.mjs";
import { TOKEN, csv, payroll, row, serve } from "./server.mjs";

let server;
let browser;
const base = "/batches/June%202026";
before(async () => {
  server = await serve();
  browser = await launch();
  const window = await open(browser, server);
  const { page } = window;
  await signIn(page);
  const rows = payroll({ otps: 5 });
  await page.goto("/upload");
  await page.locator("#file").setInputFiles({ name: "june.csv", ...csv(rows) });
  await page.locator("main form button").click();
  await page.waitForURL(/\/upload\/\w+$/);
  await page.locator("#name").fill("June 2026");
  await page.locator("#expect_rows").fill(String(rows.length));
  const sums = await page.locator(".figures dd").nth(2).innerText();
  for (const [, amount, currency] of sums.matchAll(/([\d.,]+) (USD|KHR)/g)) {
    await page.locator(`#expect_${currency}`).fill(amount);
  }
  await page.locator("details.options > summary").click();
  await page.locator("#name_match").selectOption("strict");
  await page.locator("form[aria-labelledby=make] button").click();
  await page.waitForURL(/done=created/);
  await screenshot(page, "batch-not-started");
  await page.locator("#do-start").click();
  await screenshot(page, "start");
  await page.locator("main form button").click();
  await eventually("all that may happen has", async () =>
    (await page.locator("#tab-otp .count").count()) && (await page.locator("#tab-otp .count").innerText()) === "5"
    && (await page.locator("#outcome-expired").count()));
  await window.close();
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

const PAGES = [
  ["list", "/"], ["overview", base], ["rows", `${base}/rows`], ["otp", `${base}/otp`], ["held", `${base}/held`],
  ["problems", `${base}/problems`], ["cancel", `${base}/cancel`], ["retry", `${base}/retry`], ["upload", "/upload"],
  ["failure", "/batches/nothing"],
];

for (const language of ["en", "km"]) {
  for (const scheme of ["light", "dark"]) {
    for (const [device, viewport] of [["desktop", DESKTOP], ["phone", PHONE]]) {
      test(`${language}, ${scheme}, ${device}`, async () => {
        const window = await open(browser, server, { language, scheme, viewport });
        const { page } = window;
        const look = async (name) => {
          await assertAccessible(page, name);
          await assertFits(page, name);
          await screenshot(page, `${name}-${language}-${scheme}-${device}`);
        };
        await page.goto("/login");
        await look("sign-in");
        await signIn(page);
        for (const [name, path] of PAGES) {
          await page.goto(path);
          assert.equal(await page.locator("html").getAttribute("lang"), language);
          await look(name);
        }
        await page.goto("/upload");
        const bad = [row("A-1", "1", "-5"), row("A-2", "123456", "10"), row("A-2", "123456", "10")];
        await page.locator("#file").setInputFiles({ name: "bad.csv", ...csv(bad) });
        await page.locator("main form button").click();
        await page.waitForURL(/\/upload\/\w+$/);
        await look("checked");
        await page.goto(base);
        await page.locator("#chart summary").click();
        await look("chart-table");
        await window.close();
      });
    }
  }
}

test("the language is switched where one is, and remembered", async () => {
  const window = await open(browser, server, { viewport: PHONE });
  const { page } = window;
  await signIn(page);
  await page.goto(`${base}/rows?outcome=paid`);
  await page.locator("a.tongue").click();
  assert.equal(new URL(page.url()).search, "?outcome=paid");
  assert.equal(await page.locator("html").getAttribute("lang"), "km");
  await page.goto("/");
  assert.equal(await page.locator("html").getAttribute("lang"), "km");
  await window.close();
});

test("everything can be reached and done by keyboard", async () => {
  const window = await open(browser, server);
  const { page } = window;
  await page.goto("/login");
  await page.keyboard.press("Tab");
  assert.equal(await focused(page), "#content", "the link that skips comes first");
  await tabTo(page, "#name");
  await page.keyboard.type("Chan Bopha");
  await tabTo(page, "#password");
  await page.keyboard.type("a password for tests");
  await page.keyboard.press("Enter");
  await page.waitForURL("/");
  await tabTo(page, base);
  await page.keyboard.press("Enter");
  await page.waitForURL(`**${base}`);
  await tabTo(page, `${base}/held`);
  await page.keyboard.press("Enter");
  await page.waitForURL(/held$/);
  const reason = await page.locator("input[name=reason]").first().getAttribute("id");
  await tabTo(page, `#${reason}`);
  await page.keyboard.type("decided without a mouse");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.waitForURL(/done=rejected/);
  // Round the whole page, and out of it: nothing holds the focus.
  await page.goto(base);
  const stops = [];
  for (let step = 0; step < 80 && (stops.length < 2 || stops.at(-1) !== "#content"); step += 1) {
    await page.keyboard.press("Tab");
    stops.push(await focused(page));
    if (stops.length > 1 && stops.at(-1) === "#content") break;
  }
  assert.ok(new Set(stops).size > 15, stops.join(" "));
  const outlines = await page.evaluate(() => {
    document.querySelector("#do-cancel").focus();
    return getComputedStyle(document.activeElement).outlineWidth;
  });
  assert.notEqual(outlines, "0px", "the focus is seen");
  await window.close();
});

function focused(page) {
  return page.evaluate(() => {
    const it = document.activeElement;
    return it.getAttribute("href") ?? (it.id ? `#${it.id}` : it.tagName);
  });
}

async function tabTo(page, wanted) {
  for (let step = 0; step < 60; step += 1) {
    if ((await focused(page)) === wanted) return;
    await page.keyboard.press("Tab");
  }
  assert.fail(`${wanted} cannot be reached by Tab`);
}

test("a reader sees no buttons, and is refused by the server as well", async () => {
  const window = await open(browser, server);
  const { page } = window;
  await signIn(page, "Lim Rithy");
  for (const path of ["/", base, `${base}/held`, `${base}/problems`]) {
    await page.goto(path);
    const buttons = await page.locator("main button, main a.button:not([download])").allInnerTexts();
    assert.deepEqual(buttons, [], path);
  }
  assert.equal((await page.goto("/upload")).status(), 403);
  assert.equal((await page.goto(`${base}/cancel`)).status(), 403);
  const csrf = await page.goto(base).then(() => page.locator("input[name=csrf]").first().inputValue());
  const status = await page.evaluate(async ([path, csrf]) => {
    const answer = await fetch(path, { method: "POST", body: new URLSearchParams({ csrf }) });
    return answer.status;
  }, [`${base}/pause`, csrf]);
  assert.equal(status, 403);
  await window.close();
});

test("without a script everything is there but what is live", async () => {
  const window = await open(browser, server, { javaScriptEnabled: false });
  const { page } = window;
  await signIn(page);
  await page.goto(base);
  await page.locator("#do-pause, #do-resume").first().click();
  await page.waitForURL(/done=/);
  assert.match(await page.locator("[role=status]").first().innerText(), /Pausing|Resumed/);
  await page.goto(`${base}/otp`);
  assert.equal(await page.locator("a[data-otp]").count(), 5);
  assert.match(await page.locator("time").first().innerText(), /UTC/);
  await page.goto(base);
  if (await page.locator("#do-resume").count()) await page.locator("#do-resume").click();
  await window.close();
});

test("whoever has a token instead of a name signs in with it", async () => {
  const window = await open(browser, server);
  const { page } = window;
  await page.goto("/login?next=/upload");
  await page.locator("#password").fill("not the token");
  await page.locator("form button").click();
  assert.match(await page.locator("[role=alert]").innerText(), /not known/);
  await page.locator("#password").fill(TOKEN);
  await page.locator("form button").click();
  await page.waitForURL("**/upload");
  await window.close();
});
