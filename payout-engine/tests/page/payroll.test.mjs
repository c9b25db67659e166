// A whole payroll in the browser alone: from a file with problems to the report.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";

import { eventually, launch, open, screenshot, signIn } from "./browser.mjs";
import { account, csv, payroll, row, serve } from "./server.mjs";

let server;
let browser;
before(async () => {
  server = await serve({ store: true });
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

/** Brings a file and lets it be checked. */
async function upload(page, name, rows) {
  await page.goto("/upload");
  await page.locator("#file").setInputFiles({ name, ...csv(rows) });
  await page.locator("main form button").click();
  await page.waitForURL(/\/upload\/\w+$/);
}

/** Makes a batch of a file that was checked. The sums are worked out from the rows themselves. */
async function make(page, name, rows, { strict = false } = {}) {
  await page.locator("#name").fill(name);
  await page.locator("#expect_rows").fill(String(rows.length));
  for (const currency of ["USD", "KHR"]) {
    const field = page.locator(`#expect_${currency}`);
    if (await field.count()) await field.fill(sum(rows, currency));
  }
  if (strict) {
    await page.locator("details.options > summary").click();
    await page.locator("#name_match").selectOption("strict");
  }
  await page.locator("form[aria-labelledby=make] button").click();
  await page.waitForURL(/done=created/);
}

function sum(rows, currency) {
  const cents = rows.map((it) => it.split(",")).filter((it) => it[8] === currency)
    .reduce((total, it) => total + Math.round(Number(it[7]) * 100), 0);
  return (cents / 100).toFixed(currency === "KHR" ? 0 : 2);
}

/** How many rows have an outcome, as the page shows it just now. */
async function count(page, outcome) {
  const line = page.locator(`tr:has(#outcome-${outcome}) td`);
  return (await line.count()) ? Number(await line.innerText()) : 0;
}

test("from a file with problems to the report", async (t) => {
  const window = await open(browser, server);
  const { page } = window;
  const rows = payroll({ otps: 4 });
  const base = "/batches/June%202026";
  await signIn(page);

  await t.test("what is wrong with a file stands in a table", async () => {
    const bad = payroll({ prefix: "B" });
    bad[2] = bad[2].replace("120.50", "$120.50");
    bad[4] = bad[3];
    await upload(page, "june.csv", bad);
    const lines = await page.locator("table.findings tbody tr").allInnerTexts();
    assert.ok(lines.some((it) => it.includes("amount") && it.includes("$120.50")), lines.join("\n"));
    assert.equal(lines.filter((it) => it.includes("the same reference stands in line")).length, 2);
    await page.getByRole("button", { name: "Discard the file" }).click();
    await page.waitForURL(/done=dropped/);
    assert.match(await page.locator("main").innerText(), /No batch yet/);
  });

  await t.test("a sum that is not the expected one makes no batch", async () => {
    await upload(page, "june.csv", rows);
    await page.locator("#expect_rows").fill(String(rows.length));
    await page.locator("#expect_USD").fill("1");
    await page.locator("#expect_KHR").fill(sum(rows, "KHR"));
    await page.locator("form[aria-labelledby=make] button").click();
    assert.match(await page.locator("#problem").innerText(), /you expect 1.00 USD.*Nothing was made/);
    assert.equal(JSON.parse(server.payout("list", "--json").stdout).batches.length, 0);
  });

  await t.test("the batch is made paused, and started with the sums shown again", async () => {
    await make(page, "June 2026", rows, { strict: true });
    assert.match(await page.locator("#standing").innerText(), /Not started/);
    assert.equal(await count(page, "pending"), rows.length, "nothing was sent");
    await page.locator("#do-start").click();
    const words = (await page.locator("main").innerText()).replaceAll(",", "");
    assert.ok(words.includes(`${sum(rows, "USD")} USD`) && words.includes(`${sum(rows, "KHR")} KHR`), words);
    await page.locator("main form button").click();
    await page.waitForURL(/done=started/);
  });

  await t.test("progress is shown live, without a click", async () => {
    await eventually("passwords and decisions are waited for", async () =>
      (await count(page, "awaiting_otp")) === 4 && (await count(page, "held")) === 2 && (await count(page, "paid")) === 14);
    assert.equal(await page.locator("#tab-otp .count").innerText(), "4");
    await eventually("the chart follows", async () => (await page.locator("#chart rect").count()) > 0);
  });

  await t.test("one is released and one rejected, with a reason", async () => {
    await page.goto(`${base}/held`);
    const card = page.locator("li.held").first();
    assert.equal(await card.locator("mark.other").count(), 4, "both names are marked: RITHY KEO, SOMEBODY ELSE");
    assert.match(await card.innerText(), /SOMEBODY ELSE/);
    await card.locator("input[name=reason]").fill("spoke to him by phone");
    await card.getByRole("button", { name: "Release" }).click();
    await page.waitForURL(/done=released/);
    const other = page.locator("li.held").first();
    await other.locator("input[name=reason]").fill("wrong account");
    await other.getByRole("button", { name: "Reject" }).click();
    await page.waitForURL(/done=rejected/);
    assert.match(await page.locator("main").innerText(), /No row needs a decision/);
  });

  await t.test("each password is entered by its link, and the list empties itself", async () => {
    await page.goto(`${base}/otp`);
    await screenshot(page, "payroll-otp");
    const links = await page.locator("a[data-otp]").evaluateAll((all) =>
      all.map(({ href, target, rel }) => ({ href, target, rel })));
    assert.equal(links.length, 4);
    const code = await page.request.get(`${base}/otp/${await firstRow(page)}/qr.svg`);
    assert.match(await code.text(), /^<svg /);
    for (let left = 4; left > 0; left -= 1) {
      const opening = window.context.waitForEvent("page");
      await page.locator("a[data-otp]").first().click();
      const tab = await opening;
      assert.equal(await tab.evaluate(() => window.opener), null, "the other page knows nothing of ours");
      const password = await tab.locator("#sandbox-code").innerText();
      await tab.locator("#code").fill(password);
      await tab.locator("button").click();
      await tab.locator("[role=status]").waitFor();
      await tab.close();
      await eventually("it leaves the list", async () => (await page.locator("li.otp").count()) === left - 1);
    }
    assert.ok(links.every((it) => it.target === "_blank" && it.rel === "noopener noreferrer"));
    assert.match(await page.locator("main").innerText(), /No payout waits for a password/);
  });

  await t.test("what failed is explained, and tried again", async () => {
    await page.goto(`${base}/problems`);
    const cards = await page.locator("li.problem").allInnerTexts();
    assert.equal(cards.length, 4);
    assert.ok(cards.some((it) => it.includes("The bank does not know this account")));
    assert.equal(cards.filter((it) => it.includes("Safe to try again")).length, 3, "not the rejected one");
    await page.goto(base);
    await eventually("the run ended", async () => (await page.locator("#do-retry").count()) > 0);
    await page.locator("#do-retry").click();
    assert.match(await page.locator("main").innerText(), /3 rows/);
    await page.locator("main form button").click();
    await page.waitForURL(/done=retried/);
    await eventually("it ended again", async () => (await page.locator("#do-retry").count()) > 0);
  });

  await t.test("the report has what the store has", async () => {
    await page.goto(base);
    for (const format of ["csv", "json", "html"]) {
      const downloading = page.waitForEvent("download");
      await page.locator(`a[href$="/report/${format}"]`).click();
      const download = await downloading;
      assert.equal(download.suggestedFilename(), `June 2026.${format}`);
      const text = readFileSync(await download.path(), "utf8");
      const file = `${server.folder}/by-command.${format}`;
      assert.equal(server.payout("report", "June 2026", "--format", format, "-o", file).status, 0);
      const same = (it) => it.replace(/as of [^<]*/, "");
      assert.equal(same(text), same(readFileSync(file, "utf8")), format);
    }
    const { counts } = JSON.parse(server.payout("status", "June 2026", "--json").stdout);
    assert.equal(counts.paid, 14 + 4 + 1);
    assert.equal(counts.cancelled, 1);
  });

  await t.test("the same file again is told to be the same", async () => {
    await upload(page, "june-again.csv", rows);
    const words = await page.locator("main").innerText();
    assert.match(words, /Batch June 2026: 19 rows with the same contents/);
    await page.getByRole("button", { name: "Discard the file" }).click();
  });
  await window.close();
});

async function firstRow(page) {
  return (await page.locator("li.otp").first().getAttribute("id")).replace("otp-", "");
}

test("a batch is paused, resumed, and another one cancelled, in Khmer", async () => {
  const window = await open(browser, server, { language: "km" });
  const { page } = window;
  await signIn(page);
  assert.equal(await page.locator("html").getAttribute("lang"), "km");
  const slow = Array.from({ length: 120 }, (_, at) => row(`S-${at}`, account(5_000 + at, "1000"), "1"));
  await upload(page, "slow.csv", slow);
  await page.locator("details.options > summary").click();
  await page.locator("#rate").fill("20");
  await make(page, "slow", slow);
  await page.locator("#do-start").click();
  await page.locator("main form button").click();
  await page.locator("#do-pause").click();
  await page.waitForURL(/done=paused/);
  await eventually("it is paused", async () => (await page.locator("#standing .s-paused").count()) > 0);
  const paid = await count(page, "paid");
  assert.ok(paid < 120, "it was paused on its way");
  await page.locator("#do-resume").click();
  await page.waitForURL(/done=resumed/);
  await eventually("it goes on", async () => (await count(page, "paid")) > paid);

  const other = [row("C-1", account(7_000, "1000"), "5"), row("C-2", account(7_001, "1000"), "5")];
  await upload(page, "other.csv", other);
  await make(page, "other", other);
  await page.locator("#do-cancel").click();
  await page.locator("#reason").fill("ខុសឯកសារ");
  await page.locator("#sure").check();
  await page.locator("main form button").click();
  await page.waitForURL(/done=cancelled/);
  await eventually("it is cancelled", async () => (await page.locator("#standing .s-cancelled").count()) > 0);
  assert.match(await page.locator("#standing").innerText(), /ខុសឯកសារ/);
  assert.equal(await count(page, "cancelled"), 2);
  await page.goto("/batches/slow");
  await eventually("all are paid", async () => (await count(page, "paid")) === 120, 120_000);
  await window.close();
});
