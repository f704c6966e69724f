// SPDX-FileCopyrightText: The Firebrick contributors
// SPDX-License-Identifier: BSD-2-Clause
// The page: what the server sends is shown, and the buttons choose the source.
import { Camera } from "./camera.js";
import { drawChart } from "./chart.js";
import { drawPipeline } from "./pipeline.js";
import { acceptUploads } from "./upload.js";

const RETRY_MS = 1000;
const element = (id) => document.getElementById(id);
const text = (id, value) => { if (element(id).textContent !== value) element(id).textContent = value; };
const count = (number) => number.toLocaleString("en");
const base = (path) => path.replace(/\/+$/, "").split("/").pop();
let state = {};
let arrived; // the picture whose labels are still to come

function connect() {
  const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/live`);
  socket.binaryType = "blob";
  let shown = Promise.resolve(); // one after the other, so that labels and picture belong together
  socket.onmessage = ({ data }) => {
    shown = shown.then(() => (data instanceof Blob ? prepare(data) : show(JSON.parse(data))));
  };
  socket.onclose = () => {
    status("offline", "no connection to the server");
    setTimeout(connect, RETRY_MS);
  };
}

function status(kind, words) {
  element("status").dataset.status = kind;
  text("status", words);
}

function notice(words) {
  element("notice").hidden = !words;
  text("notice", words);
}

// Decodes a picture, which is shown together with its labels.
async function prepare(blob) {
  arrived = Object.assign(new Image(), { id: "picture", alt: "The current frame", src: URL.createObjectURL(blob) });
  await arrived.decode().catch(() => {});
}

function showPicture() {
  const before = element("picture");
  before.replaceWith(arrived);
  URL.revokeObjectURL(before.src);
  arrived = undefined;
}

function show(now) {
  const fresh = now.status !== state.status || now.message !== state.message;
  state = now;
  status(now.status, now.status);
  if (fresh) notice(now.status === "failed" || now.status === "lost" ? now.message : "");
  text("what", `${now.network} on ${now.device}`);
  element("given").hidden = now.given === "pattern"; // which has a button of its own
  text("given", base(now.given));
  drawPipeline(element("pipeline"), element("plan"), now);
  counters(now.counters);
  drawChart(element("rate-chart"), now.history.map(([at, rate]) => [at, rate]));
  drawChart(element("latency-chart"), now.history.map(([at, , latency]) => [at, 1000 * latency]));
  if (arrived) showPicture();
  if (now.frame !== undefined) showFrame(now);
}

function showFrame(now) {
  const [width, height] = now.size, frame = element("frame");
  frame.classList.remove("empty");
  frame.style.setProperty("--ratio", width / height);
  showCrop(now.input, width, height);
  text("caption", [base(now.source), now.name === base(now.source) ? "" : now.name, `frame ${count(now.frame)}`].filter(Boolean).join(" · "));
  showGuesses(now.top5);
  text("rate", now.rate.toFixed(1));
  text("latency", (1000 * now.latency).toFixed(now.latency < 0.1 ? 1 : 0));
  text("frames", count(now.frames));
  text("lost", count(now.dropped + now.damaged + now.invalid));
  text("lost-how", [[now.dropped, "dropped"], [now.damaged, "unreadable"], [now.invalid, "damaged"]]
    .filter(([number]) => number).map(([number, how]) => `${count(number)} ${how}`).join(", "));
}

// The central crop that the network sees, over the picture.
function showCrop(input, width, height) {
  const scale = input.resize / Math.min(width, height), crop = element("crop");
  const across = Math.min(1, input.width / (width * scale)), down = Math.min(1, input.height / (height * scale));
  crop.hidden = across * down > 0.97;
  crop.style.width = `${100 * across}%`;
  crop.style.height = `${100 * down}%`;
  crop.style.left = `${50 * (1 - across)}%`;
  crop.style.top = `${50 * (1 - down)}%`;
}

function showGuesses(guesses) {
  const list = element("guesses");
  if (!guesses) {
    list.innerHTML = '<li class="none">This frame was damaged on its way to the device.</li>';
    return;
  }
  if (list.children.length !== guesses.length || list.querySelector(".none")) {
    list.replaceChildren(...guesses.map(() => {
      const item = document.createElement("li");
      item.innerHTML = '<div class="label"><span></span><span></span></div><div class="bar"><i></i></div>';
      return item;
    }));
  }
  guesses.forEach((guess, place) => {
    const [label, share] = list.children[place].querySelectorAll("span");
    label.textContent = guess.label;
    share.textContent = `${(100 * guess.probability).toFixed(1)} %`;
    list.children[place].querySelector("i").style.width = `${100 * guess.probability}%`;
  });
}

function counters(values) {
  const list = element("counters"), names = Object.keys(values);
  if (list.dataset.names !== names.join()) {
    list.dataset.names = names.join();
    list.replaceChildren(...names.map((name) => {
      const entry = document.createElement("div");
      entry.append(Object.assign(document.createElement("dt"), { textContent: name }), document.createElement("dd"));
      return entry;
    }));
  }
  names.forEach((name, place) => { list.children[place].querySelector("dd").textContent = count(values[name]); });
}

async function choose(name) {
  camera.stop();
  const answer = await fetch(`source/${name}`, { method: "POST" });
  notice(answer.ok ? "" : (await answer.json()).error);
}

const camera = new Camera(element("camera"), notice);
element("given").onclick = () => choose("given");
element("pattern").onclick = () => choose("pattern");
acceptUploads(element("upload"), element("file"), element("frame"), notice, () => camera.stop());
connect();
