// Numbers, times and states as people read them, like the command line has them.
const UNITS = [["d", 86400], ["h", 3600], ["m", 60], ["s", 1]];

// "45s", "3m20s", "2h5m", "4d3h".
export function duration(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  const first = UNITS.findIndex(([, size]) => whole >= size || size === 1);
  const [unit, size] = UNITS[first];
  const rest = UNITS[first + 1];
  const more = rest ? Math.floor((whole % size) / rest[1]) : 0;
  return `${Math.floor(whole / size)}${unit}${more ? more + rest[0] : ""}`;
}

export const since = (time, now) => (time ? duration((now - Date.parse(time)) / 1000) : "–");

// google.protobuf.Duration in JSON: "12.5s".
export const seconds = (text) => (text ? Number.parseFloat(text) : NaN);

export function number(value, digits = 4) {
  if (value === undefined || value === null || !Number.isFinite(Number(value))) return "–";
  const magnitude = Math.abs(value);
  return magnitude !== 0 && (magnitude >= 1e6 || magnitude < 1e-3)
    ? Number(value).toExponential(2)
    : String(Number(Number(value).toPrecision(digits)));
}

export const percent = (part, whole) => (whole > 0 ? Math.floor((100 * part) / whole) : 0);

export const bytes = (count) => {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  const power = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(1, count)) / 10));
  return `${number(count / 1024 ** power, 3)} ${units[power]}`;
};

// "JOB_REASON_WAITING_FOR_SLOTS" without its prefix: "waiting for slots".
export const plain = (name, prefix) =>
  (name || "").replace(prefix, "").toLowerCase().replaceAll("_", " ");

// Word, sign and kind of a state; the sign and the border's pattern tell them apart without colour.
const STATES = {
  PENDING: ["waiting", "○"], STARTING: ["going", "◔"], RUNNING: ["going", "●"],
  STOPPING: ["waiting", "◑"], HELD: ["waiting", "‖"], SUCCEEDED: ["good", "✓"],
  FAILED: ["bad", "✕"], CANCELLED: ["ended", "–"], READY: ["good", "✓"],
  SUSPECT: ["bad", "?"], CORDONED: ["waiting", "‖"],
};

export function state(name, prefix) {
  const short = (name || "").replace(prefix, "");
  const [kind, sign] = STATES[short] || ["ended", "·"];
  return { word: plain(short, "") || "unknown", kind, sign };
}

export const isFinal = (job) =>
  ["SUCCEEDED", "FAILED", "CANCELLED"].includes((job.state || "").replace("JOB_STATE_", ""));

export function time(text) {
  const at = new Date(text);
  const today = new Date().toDateString() === at.toDateString();
  return at.toLocaleString(undefined, today
    ? { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" }
    : { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
}
