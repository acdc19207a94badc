// Requests to the server, each with the token, which stays in this tab.
"use strict";

const Api = (() => {
  let token = "";

  // The token of the address, which is then removed from it, or the one that this tab had.
  function begin() {
    const given = /[#&]token=([^&]+)/.exec(location.hash);
    if (given) {
      setToken(decodeURIComponent(given[1]));
      history.replaceState(null, "", location.pathname);
    } else {
      token = sessionStorage.getItem("token") || "";
    }
    return token !== "";
  }

  function setToken(text) {
    token = text;
    sessionStorage.setItem("token", text);
  }

  // The error of an answer, in the words of the server.
  async function said(response) {
    const text = await response.text();
    try { return JSON.parse(text).error || text; } catch { return text || `the server answered ${response.status}`; }
  }

  async function ask(path, options = {}) {
    const headers = { ...options.headers, Authorization: `Bearer ${token}` };
    let response;
    try {
      response = await fetch(path, { ...options, headers, cache: "no-store" });
    } catch {
      throw new Error("The server does not answer. It may have been stopped; start it again and reload this page.");
    }
    if (!response.ok) {
      const error = new Error(await said(response));
      error.status = response.status;
      throw error;
    }
    return response;
  }

  const json = async (path, options) => (await ask(path, options)).json();
  const bytes = async (path) => (await ask(path)).arrayBuffer();

  // Sends a body; `told` is called with the share that was sent.
  function send(path, body, told) {
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      request.open("POST", path);
      request.setRequestHeader("Authorization", `Bearer ${token}`);
      request.setRequestHeader("Content-Type", "application/octet-stream");
      request.upload.onprogress = (event) => event.lengthComputable && told(event.loaded / event.total);
      request.onerror = () => reject(new Error("The connection broke off while the file was sent. The server may have refused it or stopped; try again."));
      request.onload = () => {
        let answer = {};
        try { answer = JSON.parse(request.responseText); } catch { answer = { error: `the server answered ${request.status}` }; }
        if (request.status >= 200 && request.status < 300) resolve(answer); else reject(new Error(answer.error));
      };
      request.send(body);
    });
  }

  // Calls `told` with each state of a job until it has ended, or `signal` ends it.
  async function follow(id, told, signal) {
    const response = await ask(`/jobs/${id}/events`, { signal });
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      text += value;
      const events = text.split("\n\n");
      text = events.pop();
      for (const event of events) {
        const data = /^event: job\ndata: (.*)$/m.exec(event);
        if (data) told(JSON.parse(data[1]));
      }
    }
  }

  // Offers what an address answers as a file.
  async function download(path, name, options) {
    const blob = await (await ask(path, options)).blob();
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }

  return { begin, setToken, ask, json, bytes, send, follow, download };
})();
