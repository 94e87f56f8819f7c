/* While a training runs, the admin's pages tell how far it is: only what says so is replaced, so that whoever reads or
   fills in something is not interrupted. Once it has ended, a link to how it ended is shown. */
(function () {
  "use strict";
  var EVERY = 5000, MARK = "[data-recommendations-training]";

  function update(page) {
    var goesOn = false;
    document.querySelectorAll(MARK).forEach(function (cell) {
      var number = cell.dataset.recommendationsTraining;
      var now = page.querySelector('[data-recommendations-training="' + number + '"]');
      if (!now) return;
      cell.replaceChildren.apply(cell, Array.from(now.childNodes));
      goesOn = true;
    });
    if (goesOn) return wait();
    document.querySelector("[data-recommendations-ended]").hidden = false;
  }

  function look() {
    fetch(location.href, { credentials: "same-origin" })
      .then(function (answer) { return answer.ok ? answer.text() : Promise.reject(answer.status); })
      .then(function (text) { update(new DOMParser().parseFromString(text, "text/html")); })
      .catch(wait);
  }

  function wait() { setTimeout(look, EVERY); }

  if (document.querySelector(MARK)) wait();
})();
