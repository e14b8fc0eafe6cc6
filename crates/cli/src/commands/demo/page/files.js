import { make } from "./shared.js";

/** Most bytes of a picture; the server holds to the same. */
const LARGEST = 10_000_000;
/** Longest sides of a picture in a conversation, in pixels. */
const [WIDEST, HIGHEST] = [220, 170];

/** A picture of a message. Its place is known before it is there, so that nothing moves when it comes. */
export function drawFile(file) {
  if (!file.src) return make("span", `${file.name} · ${file.what}`, "file");
  const link = make("a", undefined, "picture");
  link.href = file.src;
  link.target = "_blank";
  const image = make("img");
  image.src = file.src;
  image.alt = `${file.name}, ${file.what}`;
  if (file.shape) {
    const [width, height] = file.shape;
    const scale = Math.min(1, WIDEST / width, HIGHEST / height);
    image.width = Math.max(1, Math.round(width * scale));
    image.height = Math.max(1, Math.round(height * scale));
  }
  link.append(image);
  return link;
}

/** The picture that goes with the text of a form: picked with the button, or pasted into the text. */
export function picker(form, box) {
  const input = form.querySelector('[type="file"]');
  const shown = form.querySelector(".picked");
  const problem = form.querySelector(".problem");
  let chosen = null;

  function pick(file) {
    input.value = "";
    if (file && file.size > LARGEST) {
      problem.textContent = `That picture is too large: it has ${megabytes(file.size)}, and 10 MB is the most.`;
      return;
    }
    chosen = file;
    shown.hidden = !file;
    shown.firstElementChild.textContent = file ? `${file.name} (${megabytes(file.size)})` : "";
  }

  input.addEventListener("change", () => {
    if (!input.files.length) return;
    problem.textContent = "";
    pick(input.files[0]);
    box.focus();
  });
  shown.querySelector("button").addEventListener("click", () => {
    pick(null);
    box.focus();
  });
  box.addEventListener("paste", (event) => {
    const file = [...event.clipboardData.files].find((one) => one.type.startsWith("image/"));
    if (!file) return;
    event.preventDefault();
    problem.textContent = "";
    pick(file);
  });
  return { pick, file: () => chosen, encoded };
}

const megabytes = (size) => (size < 1_000_000 ? `${Math.ceil(size / 1000)} kB` : `${Math.floor(size / 100_000) / 10} MB`);

/** A picture as it goes to the server; nothing when there is none. */
async function encoded(file) {
  if (!file) return undefined;
  const url = await new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.addEventListener("load", () => resolve(reader.result));
    reader.addEventListener("error", () => reject(new Error("The picture cannot be read.")));
    reader.readAsDataURL(file);
  });
  return { name: file.name, type: file.type, data: url.slice(url.indexOf(",") + 1) };
}
