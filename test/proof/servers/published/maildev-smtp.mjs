const letter = `Subject: proof\r\n\r\n${'a line of a letter\r\n'.repeat(500)}`;

export default {
  packages: ['maildev@3'],
  mode: 'SMTP',
  start: ({ port, bin }) => [bin('maildev'), '--smtp', String(port), '--ip', '127.0.0.1', '--disable-web'],
  requests: [
    {
      name: 'SMTP',
      steps: [
        'EHLO proof.test\r\n',
        'MAIL FROM:<a@proof.test>\r\n',
        'RCPT TO:<b@proof.test>\r\n',
        'DATA\r\n',
        letter,
        'x'.repeat(300_000),
        '\r\n.\r\n',
        'STARTTLS\r\n',
      ],
      goodbye: 'QUIT\r\n',
    },
  ],
};
