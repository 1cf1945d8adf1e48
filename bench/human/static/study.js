"use strict";
// Shows one question after the other and hands the answers out as a file. Nothing is sent, nothing is stored.
(() => {
  const study = JSON.parse(document.getElementById("study").textContent);
  const at = (id) => document.getElementById(id);
  const pictures = [...document.querySelectorAll(".picture")];
  const keys = study.mode === "real"
    ? { ArrowLeft: "real", ArrowRight: "generated" }
    : { ArrowLeft: "left", ArrowRight: "right", ArrowDown: "tie" };
  const answers = [];
  let index = 0, since = 0, handedOut = false;

  const show = (id) => {
    for (const name of ["welcome", "asking", "end"]) at(name).hidden = name !== id;
  };

  const ask = () => {
    if (index === study.trials.length) {
      at("summary").textContent = `You have answered all ${answers.length} questions.`;
      show("end");
      at("download").focus();
      return;
    }
    show("asking");
    study.trials[index].forEach((uri, place) => {
      pictures[place].src = uri;
      pictures[place].width = study.width;
      pictures[place].height = study.height;
    });
    at("progress").textContent = `Question ${index + 1} of ${study.trials.length}`;
    at("bar").value = index;
    at("back").disabled = index === 0;
    since = performance.now();
  };

  const answer = (choice) => {
    answers[index] = { trial: index, choice, milliseconds: Math.round(performance.now() - since) };
    index += 1;
    ask();
  };

  const back = () => {
    if (index > 0) {
      index -= 1;
      ask();
    }
  };

  const anybody = () => [...crypto.getRandomValues(new Uint8Array(8))].map((b) => b.toString(16).padStart(2, "0")).join("");

  const download = () => {
    const rater = at("rater").value.trim() || anybody();
    at("rater").value = rater;
    const content = JSON.stringify({ format: 1, page: study.page, rater, answers }, null, 1);
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([content], { type: "application/json" }));
    link.download = `answers-${rater.replace(/[^A-Za-z0-9-]+/g, "_").slice(0, 40)}-${study.page.slice(0, 8)}.json`;
    link.click();
    URL.revokeObjectURL(link.href);
    handedOut = true;
  };

  at("begin").addEventListener("click", ask);
  at("back").addEventListener("click", back);
  at("download").addEventListener("click", download);
  for (const button of document.querySelectorAll("[data-choice]")) {
    button.addEventListener("click", () => answer(button.dataset.choice));
  }
  document.addEventListener("keydown", (event) => {
    if (at("asking").hidden || event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key in keys) answer(keys[event.key]);
    else if (event.key === "Backspace") back();
    else return;
    event.preventDefault();
  });
  addEventListener("beforeunload", (event) => {
    if (answers.length && !handedOut) event.preventDefault();
  });
})();
