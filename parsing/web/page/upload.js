// Photos on their way to Gradio, where they do not stay on the device: an upload each, which Gradio's event then names.
import { PhotoInput } from "../viewer/photo_input.js";

/** @import { Connection } from "./connection.js" */
/**
 * What Gradio hands to the component's script.
 * @typedef {{
 *   element: HTMLElement,
 *   props: { value: object | null },
 *   trigger: (event: string) => void,
 *   upload: (file: File) => Promise<{ path: string }>,
 * }} Component
 */

/** Photos that come in go to the connection. @param {Component} component @param {Connection} connection */
export function takePhotos({ element, props, trigger, upload }, connection) {
  /** Sends a file to the server; Gradio's event then asks for what comes of it. @param {File} file */
  async function send(file) {
    const { serial } = connection;
    const { path } = await upload(file);
    if (serial !== connection.serial) return; // another photo has been chosen meanwhile
    connection.tickets.set(path, connection.ticket);
    props.value = { path, meta: { _type: "gradio.FileData" } };
    trigger("input");
  }
  return new PhotoInput(element, connection.viewer, {
    open: (file) => connection.openOrSend(file, () => send(file)),
    playClip: (file, player) => connection.playClip(file, player),
    takeExample(picture) {
      const { staysHere } = connection;
      if (staysHere) connection.openExample(picture);
      else connection.announceExample(picture);
      return staysHere;
    },
  });
}
