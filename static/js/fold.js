// The mirror of workers/contract/fold.py: a run's events into what its page shows. A browser test folds the same
// events with both and compares.

const KEPT_TROUBLES = 50;
const KEPT_PREVIEWS = 3;

/** The view of a run of which nothing is known yet. */
export function empty() {
  return {
    seq: 0, state: "draft", reason: null, step: 0, attempt: 0, progress: null,
    metrics: {}, rollouts: {}, previews: [], checkpoints: {}, front: {}, troubles: [], notes: [],
  };
}

/** The view after events; events already seen change nothing. The view given is changed and returned. */
export function fold(view, events) {
  for (const event of events) {
    if (event.seq <= view.seq) continue;
    view.seq = event.seq;
    take(view, event);
  }
  return view;
}

function take(view, event) {
  const { kind, data } = event;
  const step = String(event.step);
  if (event.attempt > view.attempt) newAttempt(view, event);
  if (kind === "state") {
    view.state = data.state;
    view.reason = data.reason ?? null;
  } else if (kind === "progress") {
    view.progress = data;
  } else if (kind === "metrics") {
    view.step = event.step;
    view.progress = null;
    for (const [name, value] of Object.entries(data.values)) (view.metrics[name] ??= {})[step] = value;
  } else if (kind === "rollouts") {
    takeRollouts(view, step, data);
  } else if (kind === "front") {
    view.front[step] = data;
  } else if (kind === "checkpoint") {
    view.checkpoints[step] = data;
  } else if (kind === "trouble") {
    view.troubles = [...view.troubles, { ...data, step: event.step }].slice(-KEPT_TROUBLES);
  } else {
    view.notes = [...view.notes, { step: event.step, text: data.text, at: event.at }].slice(-KEPT_TROUBLES);
  }
}

function takeRollouts(view, step, data) {
  view.rollouts[step] = data;
  const held = [...view.previews.filter((one) => one !== step), step];
  for (const old of held.slice(0, -KEPT_PREVIEWS)) {
    const { preview, ...rest } = view.rollouts[old];
    view.rollouts[old] = rest;
  }
  view.previews = held.slice(-KEPT_PREVIEWS);
}

function newAttempt(view, event) {
  view.attempt = event.attempt;
  view.step = event.step;
  for (const series of Object.values(view.metrics)) forgetAfter(series, event.step);
  for (const kind of ["rollouts", "checkpoints", "front"]) forgetAfter(view[kind], event.step);
  view.previews = view.previews.filter((step) => Number(step) <= event.step);
}

function forgetAfter(byStep, last) {
  for (const step of Object.keys(byStep)) if (Number(step) > last) delete byStep[step];
}
