// Prompts in the words that the bundled model was taught.

export const EXAMPLES = [
  "a green circle on a white background, the circle orbits",
  "an orange star on a blue background, the star grows",
  "a white cross on a checkered green background, the camera rotates clockwise",
  "a red circle on a striped blue background, the camera pans left",
];
