// Writes beside each .env file what npm's dotenv and Node's util.parseEnv read
// in it. To run it again:
//
//	npm install --prefix /tmp/golden dotenv@18
//	NODE_PATH=/tmp/golden/node_modules node golden.cjs
const fs = require('fs')
const path = require('path')
const util = require('util')
const dotenv = require('dotenv')

const sorted = o => Object.fromEntries(Object.entries(o).sort(([a], [b]) => (a < b ? -1 : 1)))

for (const file of fs.readdirSync(__dirname).filter(f => f.endsWith('.env'))) {
  const text = fs.readFileSync(path.join(__dirname, file), 'utf8')
  const golden = { npm: sorted(dotenv.parse(text)), node: sorted(util.parseEnv(text)) }
  fs.writeFileSync(path.join(__dirname, file.replace(/env$/, 'json')), JSON.stringify(golden, null, 2) + '\n')
}
