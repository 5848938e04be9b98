// Everything under `wx`. `coverage.json` is the list; a test compares.
import { hardware } from './wx/device.js'
import { media } from './wx/media.js'
import { network } from './wx/network.js'
import { open } from './wx/open.js'
import { privacy } from './wx/privacy.js'
import { storage } from './wx/storage.js'
import { userInterface } from './wx/interface.js'

export const wx = {
  ...storage, ...network, ...userInterface, ...open, ...privacy, ...media, ...hardware,
  canIUse: (what) => what.split('.')[0] in wx,
}
