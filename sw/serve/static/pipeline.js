// SPDX-FileCopyrightText: The Firebrick contributors
// SPDX-License-Identifier: BSD-2-Clause
// The engines in pipeline order, each with its utilisation.

const LOW = 0.4; // a bar lower than this has no space for its number, which is then above it

export function drawPipeline(list, heading, { pipeline, busy }) {
  const measured = busy === null ? "" : `; measured: some engine multiplies in ${percent(busy)} of all cycles`;
  const words = pipeline.problem ?? (
    `planned utilisation of each engine's lanes, with ${pipeline.lanes} lanes and ` +
    `${pipeline.cycles.toLocaleString("en")} cycles per frame${measured}`
  );
  if (heading.textContent !== words) heading.textContent = words;
  if (list.children.length === pipeline.engines.length) return;
  list.replaceChildren(...pipeline.engines.map((engine) => {
    const item = document.createElement("li");
    item.title = `${engine.name}: ${engine.cycles.toLocaleString("en")} cycles per frame`;
    item.innerHTML = '<div class="load"><i></i><b></b></div><div class="name"></div><small></small>';
    item.querySelector(".load").style.setProperty("--load", percent(engine.load));
    item.querySelector(".load").classList.toggle("low", engine.load < LOW);
    item.querySelector("b").textContent = percent(engine.load);
    item.querySelector(".name").textContent = engine.name.replaceAll("/", "/\u200b"); // a line may break there
    item.querySelector("small").textContent = engine.lanes === 1 ? "1 lane" : `${engine.lanes} lanes`;
    return item;
  }));
}

const percent = (fraction) => `${Math.round(100 * fraction)}%`;
