// Prompts in the words that the bundled model was taught, each with a sketch of what it asks for.

export const EXAMPLES = [
  {
    prompt: "a green circle on a white background, the circle orbits",
    sketch: {
      ground: "#ffffff",
      colour: "#1d9a3c",
      shape: "M12 4a6 6 0 1 1 0 12a6 6 0 1 1 0-12",
    },
  },
  {
    prompt: "an orange star on a blue background, the star grows",
    sketch: {
      ground: "#2f57d9",
      colour: "#ff9416",
      shape: "M12 3l2.7 6 6.3.6-4.8 4.3 1.4 6.4L12 17l-5.6 3.3 1.4-6.4L3 9.6 9.3 9z",
    },
  },
  {
    prompt: "a white cross on a checkered green background, the camera rotates clockwise",
    sketch: {
      ground: "#1d8f3a",
      pattern: "M0 0h6v6H0zM12 0h6v6h-6zM6 6h6v6H6zM18 6h6v6h-6zM0 12h6v6H0zM12 12h6v6h-6zM6 18h6v6H6zM18 18h6v6h-6z",
      colour: "#ffffff",
      shape: "M9.5 4h5v5.5H20v5h-5.5V20h-5v-5.5H4v-5h5.5z",
    },
  },
  {
    prompt: "a red circle on a striped blue background, the camera pans left",
    sketch: {
      ground: "#2f57d9",
      pattern: "M0 0h4v24H0zM8 0h4v24H8zM16 0h4v24h-4z",
      colour: "#e02b2b",
      shape: "M12 5a7 7 0 1 1 0 14a7 7 0 1 1 0-14",
    },
  },
];

const SVG = "http://www.w3.org/2000/svg";

/** A picture of 24 by 24 units. */
export function draw({ ground, pattern = "", colour, shape }) {
  const svg = make("svg", { viewBox: "0 0 24 24", "aria-hidden": "true" });
  svg.append(
    make("rect", { width: 24, height: 24, fill: ground }),
    make("path", { d: pattern, fill: "#0006" }),
    make("path", { d: shape, fill: colour }),
  );
  return svg;
}

function make(name, attributes) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}
