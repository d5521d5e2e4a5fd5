// Zooming and search for the page of `rdg stack --html`. Runs in a browser; reaches nothing outside it.
"use strict";

const search = document.getElementById("search");
const found = document.getElementById("found");
const reset = document.getElementById("reset");
search.closest("label").hidden = false;
document.querySelector(".controls").addEventListener("submit", (event) => event.preventDefault());

/** Hides everything beside the way down to one cell. */
function zoom(cell) {
  unzoom();
  for (let at = cell; at && !at.classList.contains("picture"); at = at.parentElement) {
    at.classList.add("way");
    if (at.classList.contains("row")) at.parentElement.classList.add("zoomed");
  }
  reset.hidden = false;
}

function unzoom() {
  for (const part of document.querySelectorAll(".way")) part.classList.remove("way");
  for (const part of document.querySelectorAll(".zoomed")) part.classList.remove("zoomed");
  reset.hidden = true;
}

/** Marks frames that contain a text. */
function find(text) {
  let count = 0;
  for (const part of document.querySelectorAll(".bar:not(.more), .frame")) {
    const hit = text !== "" && part.textContent.toLowerCase().includes(text.toLowerCase());
    part.classList.toggle("found", hit);
    if (hit && part.classList.contains("frame")) count++;
  }
  found.textContent = text === "" ? "" : `${count} ${count === 1 ? "frame" : "frames"}`;
}

/** What the address says after #: zoom=NUMBER (of the bar, from the top), find=TEXT, unfold. */
function follow() {
  const wanted = new URLSearchParams(location.hash.slice(1));
  document.getElementById("all").checked ||= wanted.has("unfold");
  if (wanted.has("find")) {
    search.value = wanted.get("find");
    find(search.value);
  }
  const cell = document.querySelectorAll(".cell")[Number(wanted.get("zoom"))];
  if (wanted.has("zoom") && cell) zoom(cell);
}

for (const picture of document.querySelectorAll(".picture")) {
  picture.addEventListener("click", (event) => {
    const bar = event.target.closest(".bar");
    if (bar) zoom(bar.parentElement);
  });
}
search.addEventListener("input", () => find(search.value.trim()));
reset.addEventListener("click", unzoom);
addEventListener("hashchange", follow);
follow();
