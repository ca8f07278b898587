// The pages in a real browser: they draw from the server alone, and a request can be sent from them.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import test from 'node:test';
import { chromium } from 'playwright-core';
import { base, skip as no_server } from './support.mjs';

const executablePath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((file) => fs.existsSync(file));
const skip = no_server || (executablePath ? false : 'needs a browser: apt-get install chromium');

// Opens a page of the server; fails on errors in the page and on requests to anybody else.
async function with_page(path, work) {
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
  try {
    const page = await browser.newPage();
    const problems = [];
    page.on('pageerror', (error) => problems.push(String(error)));
    const foreign = (sent) => !/^(data|blob):/.test(sent.url()) && !sent.url().startsWith(base);
    page.on('requestfinished', (sent) => { if (foreign(sent)) problems.push(`got ${sent.url()}`); });
    // What a package wants from elsewhere must fail by the page's policy and not for lack of a network.
    page.on('requestfailed', (sent) => { if (foreign(sent) && sent.failure()?.errorText !== 'csp') problems.push(`asked ${sent.url()}: ${sent.failure()?.errorText}`); });
    await page.goto(base + path);
    await work(page);
    assert.deepEqual(problems, []);
  } finally {
    await browser.close();
  }
}

test('/docs lists the endpoints, and a chat can be sent from it', { skip, timeout: 120_000 }, async () => {
  await with_page('/docs', async (page) => {
    const chat = page.locator('#operations-Inference-post_v1_chat_completions');
    await chat.waitFor();
    assert.ok(await page.locator('.opblock').count() >= 10);
    await chat.locator('.opblock-summary-control').first().click();
    await chat.locator('.try-out__btn').click();
    await chat.locator('textarea.body-param__text').fill(JSON.stringify({ messages: [{ role: 'user', content: 'Hello' }], max_tokens: 4 }));
    const [answer] = await Promise.all([
      page.waitForResponse((response) => response.url() === `${base}/v1/chat/completions`),
      chat.locator('.execute').click(),
    ]);
    assert.equal(answer.status(), 200);
    assert.equal((await answer.json()).object, 'chat.completion');
    await chat.locator('.live-responses-table .response-col_status', { hasText: '200' }).first().waitFor();
  });
});

test('/redoc draws the same document', { skip, timeout: 120_000 }, async () => {
  // Redoc wants its maker's mark from the maker's server.
  await with_page('/redoc', async (page) => {
    await page.getByText('Answers a conversation').first().waitFor();
    assert.ok(await page.locator('[data-section-id]').count() >= 10);
  });
});
