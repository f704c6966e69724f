// SPDX-FileCopyrightText: The Firebrick contributors
// SPDX-License-Identifier: BSD-2-Clause
// The page: shows the state that the server broadcasts; its buttons select the source.
import { Camera, socketAddress } from "./camera.js";
import { drawChart } from "./chart.js";
import { drawPipeline } from "./pipeline.js";
import { acceptUploads, reason } from "./upload.js";

const RETRY_MS = 1000, BUSY_MS = 10000;
const element = (id) => document.getElementById(id);
const text = (id, value) => { if (element(id).textContent !== value) element(id).textContent = value; };
const count = (number) => number.toLocaleString("en");
const base = (path) => path.replace(/\/+$/, "").split("/").pop();
let state = {};
let decoded; // an image whose state has not decoded yet

function connect() {
  const socket = new WebSocket(socketAddress("live"));
  socket.binaryType = "blob";
  let shown = Promise.resolve(); // messages are handled in order, so that image and labels belong together
  socket.onmessage = ({ data }) => {
    shown = shown.then(() => (data instanceof Blob ? prepare(data) : show(JSON.parse(data))));
  };
  socket.onclose = ({ reason: words }) => { // without words: the server has ended, or cannot be reached
    status("offline", words || "no connection to the server");
    setTimeout(connect, words ? BUSY_MS : RETRY_MS);
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

// Decodes an image, which is shown together with its labels.
async function prepare(blob) {
  decoded = Object.assign(new Image(), { id: "image", alt: "The current frame", src: URL.createObjectURL(blob) });
  await decoded.decode().catch(() => {});
}

function showImage() {
  const before = element("image");
  before.replaceWith(decoded);
  URL.revokeObjectURL(before.src);
  decoded = undefined;
}

function show(now) {
  const changed = now.status !== state.status || now.message !== state.message;
  state = now;
  status(now.status, now.status);
  if (changed) notice(now.status === "failed" || now.status === "lost" ? now.message : "");
  text("what", `${now.network} on ${now.device}`);
  element("given").hidden = now.given === "pattern"; // the test pattern has its own button
  text("given", base(now.given));
  element("board").hidden = !now.board;
  element("picture").hidden = now.picture === undefined; // the source is no board's camera
  drawPipeline(element("pipeline"), element("plan"), now);
  counters(now.counters);
  drawChart(element("rate-chart"), now.history.map(([at, rate]) => [at, rate]));
  drawChart(element("latency-chart"), now.history.map(([at, , latency]) => [at, 1000 * latency]));
  if (decoded) showImage();
  if (now.frame !== undefined) showFrame(now);
}

function showFrame(now) {
  const [width, height] = now.size, frame = element("frame");
  frame.classList.remove("empty");
  element("image").hidden = now.picture === null;
  frame.style.setProperty("--ratio", width / height);
  if (now.picture === undefined) showCrop(now.input, width, height);
  else element("crop").hidden = true; // the picture is the network's input
  const picture = now.picture === undefined ? [] : [now.picture === null ? "no picture yet" : `picture of frame ${count(now.picture)}`, now.check];
  const words = [base(now.source), now.name === base(now.source) ? "" : now.name, `frame ${count(now.frame)}`, ...picture];
  text("caption", words.filter(Boolean).join(" · "));
  showTop5(now.top5);
  text("rate", now.rate.toFixed(1));
  text("latency", (1000 * now.latency).toFixed(now.latency < 0.1 ? 1 : 0));
  text("frames", count(now.frames));
  text("lost", count(now.dropped + now.damaged + now.invalid));
  text("lost-how", [[now.dropped, "dropped"], [now.damaged, "unreadable"], [now.invalid, "damaged"]]
    .filter(([number]) => number).map(([number, how]) => `${count(number)} ${how}`).join(", "));
}

// Outlines the central crop of the image that is the network's input.
function showCrop(input, width, height) {
  const scale = input.resize / Math.min(width, height), crop = element("crop");
  const across = Math.min(1, input.width / (width * scale)), down = Math.min(1, input.height / (height * scale));
  crop.hidden = across * down > 0.97;
  crop.style.width = `${100 * across}%`;
  crop.style.height = `${100 * down}%`;
  crop.style.left = `${50 * (1 - across)}%`;
  crop.style.top = `${50 * (1 - down)}%`;
}

function showTop5(top5) {
  const list = element("top5");
  if (!top5) {
    list.innerHTML = '<li class="none">This frame was damaged on the link to the device.</li>';
    return;
  }
  if (list.children.length !== top5.length || list.querySelector(".none")) {
    list.replaceChildren(...top5.map(() => {
      const item = document.createElement("li");
      item.innerHTML = '<div class="label"><span></span><span></span></div><div class="bar"><i></i></div>';
      return item;
    }));
  }
  top5.forEach(({ label, probability }, index) => {
    const [name, percentage] = list.children[index].querySelectorAll("span");
    name.textContent = label;
    percentage.textContent = `${(100 * probability).toFixed(1)} %`;
    list.children[index].querySelector("i").style.width = `${100 * probability}%`;
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
  names.forEach((name, index) => { list.children[index].querySelector("dd").textContent = count(values[name]); });
}

async function selectSource(name) {
  camera.stop();
  const answer = await fetch(`source/${name}`, { method: "POST" });
  notice(answer.ok ? "" : await reason(answer));
}

async function takePicture() {
  const answer = await fetch("picture", { method: "POST" });
  notice(answer.ok ? "" : await reason(answer));
}

const camera = new Camera(element("camera"), notice);
element("given").onclick = () => selectSource("given");
element("pattern").onclick = () => selectSource("pattern");
element("board").onclick = () => selectSource("board");
element("picture").onclick = takePicture;
acceptUploads(element("upload"), element("file"), element("frame"), notice, () => state.upload_limit, () => camera.stop());
connect();
