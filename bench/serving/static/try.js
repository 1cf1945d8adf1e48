"use strict";
const form = document.getElementById("form");
const picture = document.getElementById("picture");
const save = document.getElementById("save");
const said = document.getElementById("said");
const WIDTH = 640; // pixels that a picture takes at most, by a whole factor

function headers() {
  const key = form.key.value.trim();
  return key ? { authorization: "Bearer " + key } : {};
}

async function facts() {
  const answer = await fetch("/v1/model", { headers: headers() });
  if (!answer.ok) return;
  const model = await answer.json();
  document.getElementById("title").textContent = model.suite ? `${model.member}, ${model.suite}` : model.member;
  document.getElementById("facts").textContent =
    `${model.resolution} x ${model.resolution} pixels, ${model.channels === 1 ? "grey" : "colour"}, checkpoint ${model.checkpoint.slice(0, 10)}`;
  document.getElementById("for-label").hidden = !model.classes;
  document.getElementById("for-truncation").hidden = !model.truncation;
  form.label.max = model.classes - 1;
  form.count.max = model.most_images;
}

function asked() {
  const number = (name) => Number(form[name].value);
  const more = {};
  if (form.label.value !== "") more.label = number("label");
  if (form.truncation.value !== "1") more.truncation = number("truncation");
  if (form.towards.value !== "") {
    const query = { seed: number("seed"), towards: number("towards"), steps: Math.max(2, number("count")), ...more };
    return ["/v1/interpolation?" + new URLSearchParams(query), { headers: headers() }];
  }
  const { label, ...rest } = more;
  const body = { seed: number("seed"), count: number("count"), ...rest };
  if (label !== undefined) body.labels = label;
  const type = { "content-type": "application/json" };
  return ["/v1/images", { method: "POST", headers: { ...headers(), ...type }, body: JSON.stringify(body) }];
}

function words(detail) {
  return typeof detail === "string" ? detail : detail.map((one) => `${one.loc.at(-1)}: ${one.msg}`).join("; ");
}

async function make(event) {
  event.preventDefault();
  said.textContent = "Making ...";
  const began = performance.now();
  const answer = await fetch(...asked());
  if (!answer.ok) {
    said.textContent = `${answer.status}: ${words((await answer.json()).detail)}`;
    return;
  }
  const content = await answer.blob();
  said.textContent = `${Math.round(performance.now() - began)} ms, ${content.size} bytes`;
  URL.revokeObjectURL(picture.src);
  picture.src = save.href = URL.createObjectURL(content);
  save.download = `seed-${answer.headers.get("x-seed")}.png`;
  picture.alt = `${answer.headers.get("x-count")} generated images from seed ${answer.headers.get("x-seed")} on`;
  picture.onload = () => {
    picture.width = picture.naturalWidth * Math.max(1, Math.floor(WIDTH / picture.naturalWidth));
    picture.hidden = save.hidden = false;
  };
}

form.addEventListener("submit", make);
form.key.addEventListener("change", facts);
facts();
