// SPDX-FileCopyrightText: The Firebrick contributors
// SPDX-License-Identifier: BSD-2-Clause
// The engines in their order, each with its load.

const LOW = 0.4; // below, a load has no room for its number, which stands above it

export function drawPipeline(list, heading, { pipeline, busy }) {
  const measured = busy === null ? "" : `; measured: in ${percent(busy)} of all cycles some engine multiplies`;
  const words = pipeline.problem ?? (
    `share of cycles in which each engine multiplies, as planned for ${pipeline.lanes} lanes and ` +
    `${pipeline.cycles.toLocaleString("en")} cycles a frame${measured}`
  );
  if (heading.textContent !== words) heading.textContent = words;
  if (list.children.length === pipeline.engines.length) return;
  list.replaceChildren(...pipeline.engines.map((engine) => {
    const item = document.createElement("li");
    item.title = `${engine.name}: ${engine.cycles.toLocaleString("en")} cycles a frame`;
    item.innerHTML = '<div class="load"><i></i><b></b></div><div class="name"></div><small></small>';
    item.querySelector(".load").style.setProperty("--load", percent(engine.load));
    item.querySelector(".load").classList.toggle("low", engine.load < LOW);
    item.querySelector("b").textContent = percent(engine.load);
    item.querySelector(".name").textContent = engine.name.replaceAll("/", "/\u200b"); // may break there
    item.querySelector("small").textContent = engine.lanes === 1 ? "1 lane" : `${engine.lanes} lanes`;
    return item;
  }));
}

const percent = (share) => `${Math.round(100 * share)}%`;
