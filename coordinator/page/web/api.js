// The coordinator's answers. A token, where one is wanted, stays in this tab's memory of the
// session; it is sent to this server alone, in a header, never in an address.
const KEY = "ocellus-token";

export class Refused extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

export const token = {
  get: () => sessionStorage.getItem(KEY) || "",
  set: (secret) => sessionStorage.setItem(KEY, secret),
  forget: () => sessionStorage.removeItem(KEY),
};

async function ask(path) {
  const secret = token.get();
  const answer = await fetch(path, {
    headers: secret ? { Authorization: `Bearer ${secret}` } : {},
    cache: "no-store", credentials: "omit", redirect: "error", signal: AbortSignal.timeout(15000),
  });
  if (answer.ok) return answer;
  const said = await answer.json().catch(() => ({}));
  throw new Refused(answer.status, said.error || `the coordinator answered ${answer.status}`);
}

const ofJob = (job) => `/api/jobs/${encodeURIComponent(job)}`;

export const overview = async () => (await ask("/api/overview")).json();
export const job = async (id, after) => (await ask(`${ofJob(id)}?after=${after || ""}`)).json();
export const curve = async (id) => (await ask(`${ofJob(id)}/curve`)).json();
export const reconstruction = async (id) => (await ask(`${ofJob(id)}/reconstruction`)).blob();
