// News from the server: one server-sent-event stream that goes on where it broke off.

const FIRST_WAIT = 500;
const LONGEST_WAIT = 15_000;
const HIDDEN_GRACE = 60_000; // a page that nobody sees gives its connection back after a minute

/**
 * Follow a stream. `handlers` maps event names to functions that get the event's data (parsed JSON) and its id; `reset`
 * is called when news was lost and the page must read the truth again. Returns a function that ends it.
 */
export function listen(url, handlers) {
  let source = null;
  let last = "";
  let wait = FIRST_WAIT;
  let retry = 0;
  let hidden = 0;

  const close = () => {
    clearTimeout(retry);
    source?.close();
    source = null;
  };

  const open = () => {
    close();
    const address = new URL(url, location.href);
    if (last) address.searchParams.set("after", last);
    source = new EventSource(address);
    source.onopen = () => {
      wait = FIRST_WAIT;
    };
    source.onerror = () => {
      close();
      retry = setTimeout(open, wait);
      wait = Math.min(2 * wait, LONGEST_WAIT);
    };
    for (const [name, handler] of Object.entries(handlers)) {
      source.addEventListener(name, (message) => {
        last = message.lastEventId || last;
        handler(message.data ? JSON.parse(message.data) : null, message.lastEventId);
      });
    }
  };

  const look = () => {
    clearTimeout(hidden);
    if (document.hidden) hidden = setTimeout(close, HIDDEN_GRACE);
    else if (source === null) open();
  };

  document.addEventListener("visibilitychange", look);
  addEventListener("pagehide", close);
  addEventListener("pageshow", look);
  open();

  return () => {
    document.removeEventListener("visibilitychange", look);
    removeEventListener("pagehide", close);
    removeEventListener("pageshow", look);
    clearTimeout(hidden);
    close();
  };
}
