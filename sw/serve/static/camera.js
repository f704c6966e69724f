// SPDX-FileCopyrightText: The Firebrick contributors
// SPDX-License-Identifier: BSD-2-Clause
// Sends the frames of the browser's camera to the server as JPEGs, each when the server requests it.
const SIDE = 640, PERIOD_MS = 33, QUALITY = 0.85;

// The address of a WebSocket of this server, which may be at any path of a reverse proxy.
export const socketAddress = (name) => new URL(name, location.href).href.replace(/^http/, "ws");

export class Camera {
  constructor(button, notice) {
    this.button = button;
    this.notice = notice;
    this.video = Object.assign(document.createElement("video"), { muted: true, playsInline: true });
    this.canvas = document.createElement("canvas");
    if (!navigator.mediaDevices) {
      button.disabled = true;
      button.title = "Browsers allow the camera on localhost and https only";
    }
    button.onclick = () => (this.socket ? this.stop() : this.start());
  }

  async start() {
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { width: SIDE, height: SIDE * 3 / 4 } });
    } catch (problem) {
      this.notice(`The camera cannot be used: ${problem.message}.`);
      return;
    }
    this.notice("");
    this.button.setAttribute("aria-pressed", "true");
    this.video.srcObject = stream;
    await this.video.play();
    const socket = this.socket = new WebSocket(socketAddress("camera"));
    socket.onopen = () => this.send(socket);
    socket.onmessage = () => setTimeout(() => this.send(socket), Math.max(0, this.sent + PERIOD_MS - performance.now()));
    socket.onclose = ({ reason }) => {
      if (this.socket !== socket) return;
      if (reason) this.notice(reason);
      this.stop();
    };
  }

  send(socket) {
    if (socket.readyState !== WebSocket.OPEN) return;
    this.sent = performance.now();
    const scale = Math.min(1, SIDE / Math.max(this.video.videoWidth, this.video.videoHeight));
    this.canvas.width = Math.max(1, this.video.videoWidth * scale);
    this.canvas.height = Math.max(1, this.video.videoHeight * scale);
    this.canvas.getContext("2d").drawImage(this.video, 0, 0, this.canvas.width, this.canvas.height);
    this.canvas.toBlob((blob) => { if (blob && socket.readyState === WebSocket.OPEN) socket.send(blob); }, "image/jpeg", QUALITY);
  }

  stop() {
    const socket = this.socket;
    this.socket = undefined;
    this.button.removeAttribute("aria-pressed");
    this.video.srcObject?.getTracks().forEach((track) => track.stop());
    this.video.srcObject = null;
    socket?.close();
  }
}
