// The equivalent command.

const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

/** `fields` as they are posted; `file` is the picture's File or null. */
export function curl(url, fields, file, hasKey) {
  const lines = [`curl ${quoted(url)}`];
  if (hasKey) lines.push(`-H "Authorization: Bearer $MAGIC141_API_KEY"`);
  if (file) {
    for (const [name, value] of Object.entries(fields)) lines.push(`--form-string ${quoted(`${name}=${value}`)}`);
    lines.push(`-F ${quoted(`image=@"${file.name.replaceAll(/["\\]/g, "\\$&")}"`)}`);
  } else {
    lines.push("-H 'content-type: application/json'", `-d ${quoted(JSON.stringify(fields))}`);
  }
  return lines.join(" \\\n  ");
}
