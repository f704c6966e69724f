// SPDX-FileCopyrightText: The Firebrick contributors
// SPDX-License-Identifier: BSD-2-Clause
// Uploads an image or a video that was selected, or dropped onto the frame.

export function acceptUploads(button, input, target, notice, before) {
  async function send(file) {
    if (!file) return;
    before();
    notice("");
    const words = button.textContent;
    button.textContent = "Uploading…";
    button.disabled = true;
    try {
      const answer = await fetch(`upload?name=${encodeURIComponent(file.name)}`, { method: "POST", body: file });
      if (!answer.ok) notice((await answer.json()).error);
    } catch {
      notice("The upload was refused or cut off; check whether the file is too large.");
    } finally {
      button.textContent = words;
      button.disabled = false;
      input.value = "";
    }
  }

  button.onclick = () => input.click();
  input.onchange = () => send(input.files[0]);
  for (const name of ["dragover", "dragleave", "drop"]) {
    target.addEventListener(name, (event) => {
      event.preventDefault();
      target.classList.toggle("over", name === "dragover");
      if (name === "drop") send(event.dataTransfer.files[0]);
    });
  }
}
