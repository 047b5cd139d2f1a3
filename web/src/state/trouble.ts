// What a form says of a request that failed.
import { failure, words_of } from '../server/api'
import { t } from '../text/text.svelte'

export const trouble_of = (why: unknown) => (why instanceof failure && why.status === 0 ? t('offline') : words_of(why))
