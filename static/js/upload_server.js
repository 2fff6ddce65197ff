// What is asked of the server while files come in: one request at a time, and what its answer means.

import { csrfToken } from "./app.js";

/** The server said no, in words; trying again would not help. */
export class Refused extends Error {}

/** One request; a refusal in words is a Refused, anything else that goes wrong can be tried again. */
export function ask(method, url, { body = null, headers = {}, onSent = null, begun = () => {} } = {}) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    begun(request);
    request.open(method, url);
    request.responseType = "json";
    request.setRequestHeader("Accept", "application/json");
    request.setRequestHeader("X-CSRFToken", csrfToken());
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    if (onSent) request.upload.onprogress = (event) => onSent(event.loaded);
    request.onerror = request.onabort = request.ontimeout = () => reject(new Error("no answer"));
    request.onload = () => settle(method, request, resolve, reject);
    request.send(body);
  });
}

function settle(method, { status, response }, resolve, reject) {
  if (status < 300) resolve(response);
  else if (status === 409 && response && "received" in response && method === "PUT") resolve(response);
  else if (isPassing(status)) reject(new Error(String(status)));
  else reject(new Refused(words(response?.error) || `${status}`));
}

/** Whether the same request may be answered otherwise in a while; 507 means that there is no room. */
function isPassing(status) {
  return [408, 409, 422, 429].includes(status) || (status >= 500 && status !== 507);
}

function words(error) {
  return error && [error.message, error.hint].filter(Boolean).join(" ");
}

/** Let go of what is there of a file. */
export function forget(url) {
  return fetch(url, { method: "DELETE", headers: { "X-CSRFToken": csrfToken(), Accept: "application/json" }, keepalive: true });
}
