'use strict';
// What is broader than its place scrolls sideways, and fades at the edge beyond which it goes on.
(function () {
  const update = (place) => place.classList.toggle('beyond', place.scrollLeft + place.clientWidth < place.scrollWidth - 1);
  const watch = new ResizeObserver((entries) => {
    for (const { target } of entries) update(target.closest('.scroll'));
  });
  for (const place of document.querySelectorAll('.scroll')) {
    place.addEventListener('scroll', () => update(place), { passive: true });
    for (const box of [place, ...place.children]) watch.observe(box);
  }
}());
