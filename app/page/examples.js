// Prompts in the words that the bundled model was taught.

export const EXAMPLES = [
  "a red circle on a striped blue background, the camera pans left",
  "a yellow star on a cloudy purple background, the camera zooms in",
  "a white cross on a checkered green background, the camera rotates clockwise",
  "a pink square on a spotted black background, the camera pans up",
];
