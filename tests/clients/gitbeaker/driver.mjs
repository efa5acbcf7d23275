// Calls gitbeaker's own methods for the tests: one line of JSON in, one out.
//
// In:  {"url", "credentials", "method": "Projects.show", "arguments": [...]}
// Out: {"value"} or {"error": {"name", "description", "status"}}
import { createInterface } from "node:readline";

import { Gitlab } from "@gitbeaker/rest";

const clients = new Map();

function clientFor(url, credentials) {
  const key = JSON.stringify([url, credentials]);
  if (!clients.has(key)) clients.set(key, new Gitlab({ host: url, ...credentials }));
  return clients.get(key);
}

async function call({ url, credentials, method, arguments: given }) {
  const names = method.split(".");
  const last = names.pop();
  let owner = clientFor(url, credentials);
  for (const name of names) owner = owner[name];
  if (typeof owner?.[last] !== "function") throw new TypeError(`no method ${method}`);
  return owner[last](...given);
}

function describe({ name, message, cause }) {
  const status = cause?.response?.status ?? null;
  return { name, description: cause?.description ?? message, status };
}

for await (const line of createInterface({ input: process.stdin })) {
  const answer = await call(JSON.parse(line)).then(
    (value) => ({ value: value ?? null }),
    (error) => ({ error: describe(error) }),
  );
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
