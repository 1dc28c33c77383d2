// What a job's record says, in words.

import { isOver } from "./follow.js";

/** The job's state, in few and rarely changing words, as they are read out: progress by quarters. */
export function state(job) {
  if (job.cancel_requested && !isOver(job)) return "Stopping";
  if (job.status === "queued") return job.position ? `Waiting: number ${job.position} in the queue` : "Waiting";
  if (job.status === "running") {
    const quarter = Math.floor(job.progress * 4) * 25;
    return quarter ? `Being made, ${quarter}\u00a0% done` : "Being made";
  }
  if (job.status === "succeeded") return "Finished";
  if (job.status === "canceled") return job.segments.length ? "Canceled: what was finished plays" : "Canceled";
  return `Failed: ${job.error?.message ?? "no reason was recorded"}`;
}

/** Everything that moves. */
export function detail(job) {
  const windows = `${job.windows_done} of ${job.windows_total} windows`;
  return job.eta_seconds === null ? windows : `${windows}, about ${duration(job.eta_seconds)} left`;
}

export function duration(seconds) {
  const whole = Math.max(0, seconds < 10 ? Math.round(seconds * 10) / 10 : Math.round(seconds));
  const rest = whole % 60 ? ` ${whole % 60}\u00a0s` : "";
  return whole < 60 ? `${whole}\u00a0s` : `${Math.floor(whole / 60)}\u00a0min${rest}`;
}
