// A run's socket: events after the last number seen, in order and without a gap, over any number of lost connections.

const FIRST_WAIT = 500;
const LONGEST_WAIT = 15000;
const NO_LONGER = 4403; // the right to look was taken away: coming back is of no use

/**
 * Follow a run after number `after`. `onSnapshot(view, header)` replaces everything; `onEvents(events)` come in order;
 * `onStatus("live" | "reconnecting" | "refused")` and `onViewers(count)` tell about the line itself.
 * Returns a function that ends it.
 */
export function openFeed(address, after, { onSnapshot, onEvents, onStatus, onViewers }) {
  let seen = after;
  let wait = FIRST_WAIT;
  let socket = null;
  let timer = null;
  let ended = false;
  let opened = false;

  function connect() {
    const url = new URL(address, location.href);
    url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    url.searchParams.set("after", seen);
    socket = new WebSocket(url);
    opened = false;
    socket.onopen = () => { opened = true; wait = FIRST_WAIT; onStatus("live"); };
    socket.onmessage = (message) => receive(JSON.parse(message.data));
    socket.onclose = (event) => again(event.code);
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
      if (fresh[0].seq !== seen + 1) { socket.close(); return; } // a gap: ask again after the last number
      seen = fresh.at(-1).seq;
      onEvents(fresh);
    }
  }

  function again(code) {
    if (ended) return;
    if (code === NO_LONGER) { onStatus("refused"); return; }
    onStatus("reconnecting");
    timer = setTimeout(connect, wait * (0.75 + Math.random() / 2));
    wait = Math.min(LONGEST_WAIT, wait * (opened ? 1 : 2));
  }

  const hurry = () => {
    if (socket?.readyState === WebSocket.CLOSED && !ended) { clearTimeout(timer); connect(); }
  };
  addEventListener("online", hurry);
  document.addEventListener("visibilitychange", hurry);
  connect();
  return () => { ended = true; clearTimeout(timer); removeEventListener("online", hurry); socket?.close(); };
}
