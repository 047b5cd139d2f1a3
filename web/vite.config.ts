import { svelte } from '@sveltejs/vite-plugin-svelte'
import { defineConfig } from 'vite'

// `npx vite` serves the page while it is written, in front of `sluice serve` at SLUICE_URL.
const server = process.env.SLUICE_URL ?? 'http://127.0.0.1:8080'
const passed_on = Object.fromEntries(
  ['/api', '/files', '/tus', '/live'].map((path) => [path, { target: server, ws: path === '/live' }]),
)

export default defineConfig({
  plugins: [svelte()],
  server: { proxy: passed_on },
  preview: { proxy: passed_on },
  worker: { format: 'es' },
  build: {
    target: 'es2022',
    assetsInlineLimit: 0, // the policy of the page takes no data: URL for scripts and styles
    modulePreload: { polyfill: false }, // it would be an inline script
    rollupOptions: { output: { manualChunks: undefined } },
  },
})
