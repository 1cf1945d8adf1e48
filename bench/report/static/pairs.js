"use strict";
// Two members side by side, with real images fixed between them: the pictures that the page holds, at the place in training chosen above.
(() => {
  const all = (query, from = document) => [...from.querySelectorAll(query)];
  const SVG = "http://www.w3.org/2000/svg";
  for (const wall of all(".wall[data-kind='grid']")) {
    const films = all(".film", wall).filter((film) => film.querySelector("image"));
    if (films.length < 2) continue;
    const name = (film) => film.querySelector("figcaption b").textContent.trim();
    const real = films.find((film) => name(film) === "real");
    const members = films.filter((film) => film !== real);
    const box = document.createElement("div"), tools = document.createElement("p"), shown = document.createElement("div");
    box.className = "pairs-box";
    tools.className = "pairs-tools";
    shown.className = "pair";
    const choice = (title, at) => {
      const label = document.createElement("label"), select = document.createElement("select");
      select.append(...members.map((film, n) => new Option(name(film), n, n === at, n === at)));
      label.append(`${title} `, select);
      tools.append(label);
      return select;
    };
    const choices = [choice("Side by side:", 0), choice("and", Math.min(1, members.length - 1))];
    const copy = (film) => {
      const drawn = film.querySelector("li.on image") ?? film.querySelector("image"), figure = document.createElement("figure");
      const svg = document.createElementNS(SVG, "svg"), use = document.createElementNS(SVG, "use"), words = document.createElement("figcaption");
      const width = drawn.width.baseVal.value, height = drawn.height.baseVal.value;
      use.setAttribute("href", `#${drawn.id}`);
      svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
      svg.setAttribute("role", "img");
      svg.setAttribute("aria-label", drawn.closest("svg").getAttribute("aria-label"));
      svg.append(use);
      words.textContent = film === real ? "Real images, held out" : `${name(film)}, ${film.querySelector("li.on .when")?.textContent ?? ""}`;
      figure.append(svg, words);
      return figure;
    };
    const draw = () => {
      const [a, b] = choices.map((select) => members[Number(select.value)]);
      shown.replaceChildren(...[a, real, b].filter(Boolean).map(copy));
    };
    choices.forEach((select) => select.addEventListener("change", draw));
    wall.querySelector(".slider input")?.addEventListener("input", draw);
    box.append(tools, shown);
    wall.querySelector(".films").before(box);
    draw();
  }
})();
