// Files to take away, of what is on the screen: the picture from the canvas, everything else from the server, which has the masks.
async function savePicture(canvas, view) {
  const blob = await new Promise((done) => canvas.toBlob(done, "image/png"));
  download(blob, view + ".png");
}

function saveContent({ name, type, content }) {
  download(new Blob([Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0))], { type }), name);
}

function download(blob, name) {
  const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

// Puts the page's address on the clipboard; where a browser forbids that, it can at least be copied from a prompt.
async function copyLink(words) {
  try {
    await navigator.clipboard.writeText(location.href);
    return true;
  } catch {
    window.prompt(words["link.prompt"], location.href);
    return false;
  }
}
