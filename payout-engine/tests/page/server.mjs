// A real `payout serve --sandbox` in a folder of its own, and the files that people bring to it.

import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

export const PAYOUT = resolve(process.env.PAYOUT ?? "target/debug/payout");
export const TOKEN = "token-of-an-operator-for-tests-of-the-page";
export const READ_TOKEN = "token-of-a-reader-for-tests-of-the-page";
export const PASSWORD = "a password for tests";

/** Starts a server; `store` is for batches that may not be paid twice, as real ones. */
export async function serve({ store = false } = {}) {
  const folder = mkdtempSync(join(tmpdir(), "payout-page-"));
  const hashed = spawnSync(PAYOUT, ["serve", "--hash-password"], {
    cwd: folder, input: PASSWORD, encoding: "utf8",
  });
  if (hashed.status !== 0) throw new Error(`--hash-password: ${hashed.stderr}`);
  const person = (name, role) => `[[serve.people]]\nname = "${name}"\nrole = "${role}"\n${hashed.stdout}\n`;
  writeFileSync(
    join(folder, "payout.toml"),
    person("Chan Bopha", "operator") + person("Lim Rithy", "reader"),
    { mode: 0o600 },
  );
  const where = store ? ["--store", "sqlite://real.db"] : [];
  const server = spawn(PAYOUT, ["serve", "--sandbox", "--listen", "127.0.0.1:0", ...where], {
    cwd: folder,
    env: { ...process.env, PAYOUT_SERVE_TOKEN: TOKEN, PAYOUT_SERVE_READ_TOKEN: READ_TOKEN },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const ended = new Promise((resolve) => server.once("exit", resolve));
  let log = "";
  const url = await new Promise((resolve, reject) => {
    server.stderr.on("data", (data) => {
      log += data;
      const found = log.match(/listening on (http:\S+?);/);
      if (found) resolve(found[1]);
    });
    ended.then((code) => reject(new Error(`payout serve ended with ${code}: ${log}`)));
  });
  return {
    url,
    folder,
    log: () => log,
    /** What another command says about the same store. */
    payout(...words) {
      const done = spawnSync(PAYOUT, [...words, "--store", `sqlite://${store ? "real" : "payout-sandbox"}.db`], {
        cwd: folder, encoding: "utf8",
      });
      return { status: done.status, stdout: done.stdout, stderr: done.stderr };
    },
    async stop() {
      server.kill("SIGTERM");
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const HEADING =
  "reference,first_name,last_name,phone_number,email,bank_account_number,bic,amount,currency,holder_name";

/** One row of a payroll; `account` chooses by its last four digits what the sandbox does. */
export function row(reference, account, amount = "10.00", currency = "USD", names = ["Dara", "Sok"]) {
  const [first, last, holder = ""] = names;
  return [reference, first, last, "012345678", "person@example.com", account, "ABAAKHPP", amount, currency, holder]
    .join(",");
}

export function csv(rows) {
  return { mimeType: "text/csv", buffer: Buffer.from([HEADING, ...rows, ""].join("\n")) };
}

/** An account number that ends as asked. */
export const account = (number, ending) => String(100_000 + number) + ending;

/** A payroll with everything that may happen in it. */
export function payroll({ otps = 3, plain = 12, prefix = "P" } = {}) {
  const rows = [];
  let number = 0;
  const add = (count, ending, ...rest) => {
    for (let done = 0; done < count; done += 1) {
      number += 1;
      rows.push(row(`${prefix}-${number}`, account(number, ending), ...rest));
    }
  };
  add(plain, "1000", "120.50");
  add(2, "2000", "400000", "KHR", ["សុខ", "ដារ៉ា"]);
  add(otps, "0777", "75.25");
  add(2, "0411", "60", "USD", ["Rithy", "Keo"]);
  add(1, "0404", "55");
  add(1, "0400", "45");
  add(1, "0410", "35");
  return rows;
}
