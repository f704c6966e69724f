// SPDX-FileCopyrightText: The Firebrick contributors
// SPDX-License-Identifier: BSD-2-Clause
// Uploads an image or a video that was selected, or dropped onto the frame.

// Why a request was refused: {error} of the application, or plain text of what stands before it.
export async function reason(answer) {
  const text = await answer.text();
  try {
    return JSON.parse(text).error;
  } catch {
    return text;
  }
}

export function acceptUploads(button, input, target, notice, limit, before) {
  async function send(file) {
    if (!file) return;
    if (file.size > limit()) {
      notice(`${file.name} is larger than ${limit() / 1e6} million bytes; send a smaller file.`);
      return;
    }
    before();
    notice("");
    const words = button.textContent;
    button.textContent = "Uploading…";
    button.disabled = true;
    try {
      const answer = await fetch(`upload?name=${encodeURIComponent(file.name)}`, { method: "POST", body: file });
      if (!answer.ok) notice(await reason(answer));
    } catch {
      notice("The upload was cut off; check the connection to the server, and try again.");
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
