import { CHECKS } from './examine';
import { LEVELS } from './finding';

/** @returns the JSON Schema of `drbd doctor --json` */
export function doctorSchema(): object {
  const text = { type: 'string' };
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'What drbd doctor --json prints',
    type: 'object',
    required: ['schemaVersion', 'findings'],
    properties: {
      schemaVersion: { const: 1 },
      findings: {
        type: 'array',
        description: 'In the order of the checks; several where a check found several things.',
        items: {
          type: 'object',
          required: ['check', 'level', 'text', 'remedy', 'facts'],
          properties: {
            check: { enum: [...CHECKS, 'device'], description: 'What was looked at; device: who has it open.' },
            level: { enum: LEVELS, description: 'A note may matter, or could not be looked at.' },
            text: { ...text, description: 'What was found.' },
            remedy: { type: ['string', 'null'], description: 'What to do; null where there is nothing to do.' },
            facts: {
              type: 'object',
              description: 'What the finding rests on; null for a fact that could not be found out.',
              additionalProperties: {
                type: ['string', 'number', 'boolean', 'array', 'null'],
                items: text,
              },
            },
          },
        },
      },
    },
  };
}
