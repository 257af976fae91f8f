// The job that is looked at: state, curve, pictures, facts, last failure, history.
import * as api from "./api.js";
import { drawCurve, joined } from "./chart.js";
import { at, keep, make, setText, show } from "./dom.js";
import { setState } from "./tables.js";
import * as words from "./words.js";

const EVENTS_KEPT = 100;
let seen = fresh("");

function fresh(id) {
  return { id, events: [], after: "", kept: [], chance: null, keptFor: "", pictureFor: "" };
}

// Reads everything that changed about job `id` and shows it. Throws api.Refused.
export async function look(id) {
  if (seen.id !== id) {
    seen = fresh(id);
    forgetPicture("");
  }
  const mine = seen;
  const answer = await api.job(id, mine.after);
  if (mine !== seen) return;
  mine.events = [...mine.events, ...answer.events].slice(-EVENTS_KEPT);
  mine.after = mine.events.length ? mine.events[mine.events.length - 1].seq : "";
  mine.last = answer;
  try {
    await readCurve(mine, answer.job);
    await readPicture(mine, answer.job);
  } finally {
    if (mine === seen) draw();
  }
}

// Nothing of any job stays in the document.
export function forget() {
  seen = fresh("");
  forgetPicture("");
  for (const id of ["job-title", "job-state", "job-trouble", "curve-words", "chart", "number-rows",
    "picture-words", "facts", "failure-words", "failure-lines", "events"]) {
    at(id).replaceChildren();
  }
  show(at("job"), false);
}

// The kept curve changes with each commit and at the end, and is read then.
async function readCurve(mine, job) {
  const version = `${job.artifacts?.history || ""} ${job.last_commit?.step || 0} ${words.isFinal(job)}`;
  if (!job.artifacts?.history || version === mine.keptFor) return;
  const { points, chance } = await api.curve(mine.id);
  mine.kept = points;
  mine.chance = chance;
  mine.keptFor = version;
}

async function readPicture(mine, job) {
  const where = job.artifacts?.reconstruction || "";
  if (!where || where === mine.pictureFor) return;
  const picture = await api.reconstruction(mine.id);
  if (mine !== seen) return;
  mine.pictureFor = where;
  forgetPicture(URL.createObjectURL(picture));
}

function forgetPicture(next) {
  const image = at("reconstruction");
  if (image.src.startsWith("blob:")) URL.revokeObjectURL(image.src);
  if (next) image.src = next;
  else image.removeAttribute("src");
  show(image, Boolean(next));
}

// Draws again what is known, for instance at another width.
export function draw() {
  if (!seen.last) return;
  const { job, trail } = seen.last;
  show(at("job"), true);
  setText(at("job-title"), job.spec.name);
  showState(job);
  const said = job.progress || {};
  const commit = Number(job.last_commit?.step || 0);
  drawCurve(joined(seen.kept, trail), seen.chance ?? said.chance_loss ?? null, commit);
  showPictureWords(job);
  showFacts(job, said, commit);
  showFailure(job.last_failure);
  showEvents(seen.events);
}

function showState(job) {
  const line = at("job-state");
  if (!line.firstChild) line.append(make("span", "state"), make("span"));
  setState(line.firstChild, words.state(job.state, "JOB_STATE_"));
  const reason = words.plain(job.reason, "JOB_REASON_");
  setText(line.lastChild, ` ${reason}${job.message ? `: ${job.message}` : ""}`);
  const trouble = [job.progress?.collapsed && "The features have collapsed: they are the same for every image.",
    job.progress?.checkpoint_trouble && `No checkpoint can be stored: ${job.progress.checkpoint_trouble}`];
  setText(at("job-trouble"), trouble.filter(Boolean).join(" "));
  show(at("job-trouble"), trouble.some(Boolean));
}

function showPictureWords(job) {
  const where = seen.pictureFor;
  const name = decodeURIComponent(where.split("?")[0].split("/").pop() || "");
  const step = Number((name.match(/-(\d+)\.png$/) || [])[1]);
  const rows = name.includes("start-end")
    ? "original, masked, and what the decoder made of it at the start and at the end"
    : `original, masked, and what the decoder made of it after step ${step}`;
  at("reconstruction").alt = where ? `Rows of pictures: ${rows}.` : "";
  setText(at("picture-words"), where ? `From top to bottom: ${rows}.`
    : words.isFinal(job) ? "This job has left no pictures." : "No picture yet.");
}

function showFacts(job, said, commit) {
  const now = Date.now();
  const facts = [
    ["Id", job.id], ["Project", job.spec.project || "default"],
    ["Ranks", String(job.spec.ranks || 1)], ["Generation", String(job.generation || 0)],
    ["In this state for", words.since(job.since, now)],
    ["Step", said.step ? `${said.step} of ${said.total_steps || "?"}` : "–"],
    ["Learning rate", words.number(said.learning_rate)],
    ["kNN accuracy", said.knn_accuracy === undefined ? "–" : `${(100 * said.knn_accuracy).toFixed(1)} %`],
    ["Doing", words.isFinal(job) ? "–" : said.phase || "–"],
    ["Last checkpoint", commit ? `step ${commit}, ${words.bytes(Number(job.last_commit.bytes || 0))}, ` +
      `${words.since(job.last_commit.commit_time, now)} ago` : "none yet"],
  ];
  keep(at("facts"), facts, ([name]) => name, ([name]) => {
    const item = make("div");
    item.append(make("dt", "", name), make("dd"));
    return item;
  }, (item, [, value]) => setText(item.lastChild, value));
}

function showFailure(failure) {
  show(at("failure"), Boolean(failure));
  if (!failure) return;
  const how = failure.signal || (failure.exit_code ? `exit code ${failure.exit_code}` : "");
  setText(at("failure-words"), [
    `Generation ${failure.generation || "?"}: ${words.plain(failure.failure_class, "FAILURE_CLASS_")}`,
    failure.node && `node ${failure.node}, rank ${failure.rank || 0}`, how, failure.message,
    failure.hint && `Next: ${failure.hint}`].filter(Boolean).join(". "));
  const lines = (failure.last_lines || []).join("\n");
  const box = at("failure-lines");
  show(box, Boolean(lines));
  if (box.textContent === lines) return;
  box.textContent = lines;
  box.scrollTop = box.scrollHeight; // the end is what one wants to read
}

function showEvents(events) {
  keep(at("events"), [...events].reverse(), (event) => event.seq, () => {
    const item = make("li");
    const what = make("p");
    what.append(make("span"), make("small"));
    item.append(make("time"), what);
    return item;
  }, (item, event) => {
    const [when, what] = item.children;
    when.dateTime = event.at;
    setText(when, words.time(event.at));
    const change = event.to_state
      ? `${words.plain(event.from_state, "JOB_STATE_") || "new"} → ${words.plain(event.to_state, "JOB_STATE_")}`
      : words.plain(event.type, "JOB_EVENT_TYPE_");
    setText(what.firstChild, event.message ? `${change}: ${event.message}` : change);
    setText(what.lastChild, `  ${event.actor || ""}${event.generation ? `, generation ${event.generation}` : ""}`);
  });
}
