// Asks every two seconds while the tab is looked at, and shows what changed.
import * as api from "./api.js";
import { at, setAttribute, setText, show } from "./dom.js";
import * as job from "./job.js";
import { showJobs, showNodes, showSummary } from "./tables.js";
import { isFinal } from "./words.js";

const INTERVAL_MS = 2000;
const NOTHING = { jobs: [], nodes: [], more_jobs: false };
let last = null;  // the newest overview
let heard = 0;    // when it came
let asking = false;

// The one in the address; else the newest that runs, else the newest.
function selected(jobs) {
  const wanted = new URLSearchParams(location.hash.slice(1)).get("job");
  if (wanted) return wanted;
  const going = jobs.find((one) => one.state === "JOB_STATE_RUNNING") ||
    jobs.find((one) => !isFinal(one) && one.generation > 0);
  return (going || jobs[0])?.id;
}

function showPulse(problem) {
  const pulse = at("pulse");
  setAttribute(pulse, "class", problem ? "lost" : "");
  const clock = (time) => new Date(time).toLocaleTimeString(undefined, { hourCycle: "h23" });
  setText(pulse, problem
    ? `Not answered: ${problem}${heard ? ` Shown as of ${clock(heard)}.` : ""}`
    : `As of ${clock(heard)}`);
}

function askForToken(why) {
  const had = api.token.get();
  api.token.forget();
  last = null;
  job.forget();
  showJobs(NOTHING, "", 0);
  showNodes(NOTHING, 0);
  show(at("cluster"), false);
  show(at("forget"), false);
  setText(at("summary"), "");
  setText(at("who"), "");
  setText(at("pulse"), "");
  show(at("refused"), Boolean(had));
  if (had) setText(at("refused"), why);
  if (at("login").hidden) {
    show(at("login"), true);
    at("token").focus();
  }
}

async function refresh() {
  if (asking) return;
  asking = true;
  try {
    last = await api.overview();
    heard = Date.now();
    show(at("login"), false);
    show(at("cluster"), true);
    show(at("forget"), Boolean(api.token.get()));
    const id = selected(last.jobs);
    showSummary(last);
    showJobs(last, id, heard);
    showNodes(last, heard);
    show(at("job"), Boolean(id));
    if (id) await job.look(id);
    showPulse("");
  } catch (error) {
    if (error.code === 401) askForToken(error.message);
    else if (error.code === 404) showPulse(`${error.message}.`);
    else showPulse(error.code ? `${error.message}.` : "the coordinator cannot be reached.");
  } finally {
    asking = false;
  }
}

at("login").addEventListener("submit", (event) => {
  event.preventDefault();
  api.token.set(at("token").value.trim());
  at("token").value = "";
  refresh();
});
at("forget").addEventListener("click", () => {
  api.token.forget();
  history.replaceState(null, "", "/");
  refresh();
});
addEventListener("hashchange", () => {
  refresh();
  if (location.hash.startsWith("#job=")) at("job").scrollIntoView({ block: "start" });
});
document.addEventListener("visibilitychange", () => document.hidden || refresh());
new ResizeObserver(() => job.draw()).observe(at("chart"));
setInterval(() => document.hidden || refresh(), INTERVAL_MS);
refresh();
