// A run's socket: events after the last number seen, in order and without a gap, over any number of lost connections.

const FIRST_WAIT = 500;
const LONGEST_WAIT = 15000;
const NO_LONGER = 4403; // the right to look was taken away: coming back is of no use
const REFUSALS = 3; // sockets in a row that never opened; then the page's own address is asked why
const QUIET = 20000; // without a frame for so long, the server is asked whether it is there
const ANSWER = 5000; // and has so long to say so

/**
 * Follow a run after number `after`. `addresses` has the `socket` and the run's `page`. `onSnapshot(view, header)`
 * replaces everything; `onEvents(events)` come in order; `onStatus("live" | "reconnecting" | "refused" | "deleted")`
 * and `onViewers(count)` tell about the line itself. Returns a function that ends it.
 */
export function openFeed(addresses, after, { onSnapshot, onEvents, onStatus, onViewers }) {
  let seen = after;
  let wait = FIRST_WAIT;
  let refusals = 0;
  let socket = null;
  let timer = null;
  let watch = null;
  let ended = false;

  function connect() {
    clearTimeout(timer);
    timer = null;
    const url = new URL(addresses.socket, location.href);
    url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    url.searchParams.set("after", seen);
    const mine = (socket = new WebSocket(url));
    let opened = false;
    mine.onopen = () => { opened = true; refusals = 0; wait = FIRST_WAIT; onStatus("live"); listen(QUIET); };
    mine.onmessage = (message) => { listen(QUIET); receive(JSON.parse(message.data)); };
    mine.onclose = (event) => { if (!opened) refusals += 1; lost(event.code); };
  }

  function receive(frame) {
    if (frame.type === "snapshot") {
      seen = frame.view.seq;
      onSnapshot(frame.view, frame.header);
    } else if (frame.type === "viewers") {
      onViewers?.(frame.count);
    } else if (frame.type === "events") {
      const fresh = frame.events.filter((event) => event.seq > seen);
      if (!fresh.length) return;
      if (fresh[0].seq !== seen + 1) { lost(); return; } // a gap: ask again after the last number
      seen = fresh.at(-1).seq;
      onEvents(fresh);
    }
  }

  /** Ask whether the server is there after `quiet` ms without a frame; without an answer the socket is given up. */
  function listen(quiet) {
    clearTimeout(watch);
    watch = setTimeout(() => {
      if (socket?.readyState !== WebSocket.OPEN) return;
      socket.send("ping");
      watch = setTimeout(() => lost(), ANSWER);
    }, quiet);
  }

  /** The socket is of no more use: let go of it without waiting for its end, and come back. */
  function lost(code) {
    clearTimeout(watch);
    clearTimeout(timer);
    if (socket) { socket.onopen = socket.onmessage = socket.onclose = null; socket.close(); }
    if (ended) return;
    if (code === NO_LONGER) { end("refused"); return; }
    onStatus("reconnecting");
    timer = setTimeout(refusals < REFUSALS ? connect : inquire, wait * (0.75 + Math.random() / 2));
    wait = Math.min(LONGEST_WAIT, wait * 2);
  }

  /** A refused handshake says no reason, and looks like a server that is away: the page's own address tells them apart. */
  async function inquire() {
    let answer = null;
    try {
      answer = await fetch(addresses.page, { method: "HEAD", redirect: "manual", cache: "no-store" });
    } catch {
      // the server is away: go on trying
    }
    if (ended) return;
    if (answer && (answer.type === "opaqueredirect" || [401, 403, 404, 410].includes(answer.status))) end("refused");
    else if (answer?.headers.has("X-Run-Deleted")) end("deleted");
    else connect();
  }

  function end(status) {
    ended = true;
    for (const one of [timer, watch]) clearTimeout(one);
    removeEventListener("online", hurry);
    removeEventListener("offline", gone);
    document.removeEventListener("visibilitychange", hurry);
    if (status) onStatus(status);
  }

  /** The network or the reader is back: connect at once, and make sure that a socket which looks open is. */
  function hurry() {
    if (document.hidden) return;
    if (socket?.readyState === WebSocket.OPEN) listen(0);
    else if (timer !== null) connect();
  }

  const gone = () => { if (socket?.readyState === WebSocket.OPEN) lost(); };
  addEventListener("online", hurry);
  addEventListener("offline", gone);
  document.addEventListener("visibilitychange", hurry);
  connect();
  return () => { end(); socket?.close(); };
}
